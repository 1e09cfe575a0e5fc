// Shows what changed since the page was made: asks for the page again and swaps <main>.
const PAUSE = 2000;

async function refresh() {
  const main = document.querySelector('main[data-live]');
  if (!main) return;
  if (!document.hidden) {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' } }).catch(() => null);
    if (answer?.redirected) return location.reload(); // the session ended
    if (answer?.ok) {
      const next = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main');
      if (next && next.outerHTML !== main.outerHTML) main.replaceWith(next);
    }
  }
  setTimeout(refresh, PAUSE);
}

setTimeout(refresh, PAUSE);
