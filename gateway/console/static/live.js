// Shows what changed since the page was made: asks for the page again and swaps what is live of it,
// <main> or a part with an id of its own.
// Events tell when (server-sent events); where none come, it asks every few seconds.
const LIVE = '[data-live]';
const PAUSE = 2000;
const RARELY = 30000; // while events come, in case one told nothing of what changed
const TOGETHER = 500; // events that come so close are one change

let timer = null;
let dueAt = Infinity;
let events = null;

function ask(milliseconds) {
  const at = Date.now() + milliseconds;
  if (at >= dueAt) return; // it is asked before then
  clearTimeout(timer);
  dueAt = at;
  timer = setTimeout(refresh, milliseconds);
}

async function refresh() {
  dueAt = Infinity;
  const shown = document.querySelector(LIVE);
  if (!shown) return events?.close();
  if (!document.hidden) {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' } }).catch(() => null);
    if (answer?.redirected) return location.reload(); // the session ended
    if (answer?.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const next = page.querySelector(shown.id ? `#${shown.id}` : 'main');
      if (next && next.outerHTML !== shown.outerHTML) shown.replaceWith(next);
    }
  }
  ask(events?.readyState === EventSource.OPEN ? RARELY : PAUSE);
}

function show(event) {
  const bar = document.querySelector(`progress[data-workitem="${CSS.escape(event.workitem_uid)}"]`);
  if (event.kind === 'progress' && bar) bar.value = event.detail.percent;
  else ask(TOGETHER);
}

function listen(shown) {
  if (!shown.dataset.events) return;
  events = new EventSource(shown.dataset.events);
  events.onopen = () => ask(0); // for what came since the page was made
  events.onmessage = (message) => show(JSON.parse(message.data));
}

const live = document.querySelector(LIVE);
if (live) {
  listen(live);
  ask(PAUSE);
}
