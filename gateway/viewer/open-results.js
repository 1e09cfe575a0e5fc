// Shows the results of the gateway with no click: OHIF lists a segmentation and a report beside the
// images and waits for a double click on each. Served at the end of /app-config.js, run once for
// each study that is opened. Written for OHIF 3.13; a browser test tells when a newer one differs.
(() => {
  const PATIENCE_MS = 120000;
  const PAUSE_MS = 250;
  const opened = new Set();
  const pause = () => new Promise(done => setTimeout(done, PAUSE_MS));

  // Waits for a condition; what OHIF throws while its parts are not ready yet means "not yet".
  const until = async condition => {
    let last = null;
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
      try {
        const found = condition();
        if (found) {
          return found;
        }
      } catch (error) {
        last = error;
      }
      await pause();
    }
    throw last || new Error('the viewer did not get ready in time');
  };

  // Our newest result series of a modality, as the archive lists them: OHIF reads them one by one.
  const newest = (series, modality) =>
    series
      .filter(one => text(one, '00080060') === modality)
      .filter(one => text(one, '0008103E').startsWith('AI '))
      .map(one => text(one, '0020000E'))
      .pop();
  const text = (one, tag) => one[tag]?.Value?.[0] ?? '';
  const displaySetOf = seriesInstanceUID =>
    until(() => window.services.displaySetService.getDisplaySetsForSeries(seriesInstanceUID)?.[0]);

  // The viewport that shows images once they are there; the same one takes the results.
  const viewport = () => {
    const { cornerstoneViewportService, viewportGridService } = window.services;
    const id = viewportGridService.getActiveViewportId();
    const shown = cornerstoneViewportService.getCornerstoneViewport(id);
    return shown && (shown.getImageIds?.() || []).length > 0 ? id : null;
  };

  const openSegmentation = async displaySet => {
    const { segmentationService, viewportGridService } = window.services;
    const viewportId = await until(viewport);
    viewportGridService.setDisplaySetsForViewports([
      { viewportId, displaySetInstanceUIDs: [displaySet.displaySetInstanceUID] },
    ]);
    await until(() => segmentationService.getSegmentation(displaySet.displaySetInstanceUID));
    await until(viewport);
  };

  const openReport = async displaySet => {
    const { measurementService } = window.services;
    await displaySet.load();
    window.commandsManager.runCommand('hydrateStructuredReport', {
      displaySetInstanceUID: displaySet.displaySetInstanceUID,
    });
    const [first] = await until(() => nonEmpty(measurementService.getMeasurements()));
    await goTo(await until(viewport), first.uid);
  };

  // Shows the slice of a measurement. What OHIF measured before it was shown, it measured on
  // another slice: those numbers would not be the report's, so it must measure again. OHIF may go
  // back to the slice it remembers meanwhile, so this is tried until it holds.
  const goTo = async (viewportId, uid) => {
    const { getAnnotation, getAllAnnotations } = window.cornerstoneTools.annotation.state;
    const { referencedImageId } = getAnnotation(uid).metadata;
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
      const shown = window.services.cornerstoneViewportService.getCornerstoneViewport(viewportId);
      await shown.setImageIdIndex(shown.getImageIds().indexOf(referencedImageId));
      await pause();
      if (shown.getCurrentImageId() === referencedImageId) {
        getAllAnnotations().forEach(annotation => (annotation.invalidated = true));
        shown.render();
        await pause();
        if (!getAnnotation(uid).invalidated && shown.getCurrentImageId() === referencedImageId) {
          return;
        }
      }
    }
    throw new Error('the slice of the first measurement was not shown');
  };

  const nonEmpty = list => (list.length > 0 ? list : null);

  const open = async study => {
    const fields = 'includefield=00080060,0008103E,0020000E';
    const answer = await fetch(`/dicom-web/studies/${study}/series?${fields}`);
    const series = await answer.json();
    const segmentation = newest(series, 'SEG');
    const report = newest(series, 'SR');
    await until(viewport);
    if (segmentation) {
      await openSegmentation(await displaySetOf(segmentation));
    }
    if (report) {
      await openReport(await displaySetOf(report));
    }
    document.documentElement.dataset.airgateResults = 'open'; // for tests and integrators
  };

  setInterval(() => {
    const address = new URL(window.location.href);
    const study = address.searchParams.get('StudyInstanceUIDs');
    const chosen = [...address.searchParams.keys()].some(key => /series/i.test(key));
    if (!address.pathname.startsWith('/viewer') || !study || !window.services) {
      opened.clear();
    } else if (!opened.has(study) && !chosen) {
      opened.add(study);
      open(study).catch(error => console.warn('results were not opened:', error.message));
    }
  }, PAUSE_MS);
})();
