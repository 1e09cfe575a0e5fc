// Lets OHIF show images whose headers say what cannot be: without this the viewport stays black. It
// changes what the viewer reads, never what the gateway answers. Written for OHIF 3.13.
//
// - Window Width below 1 (PS3.3 C.11.2.1.2 forbids it): the range of the pixels is shown instead.
// - VOI LUT Function, which has one value, is read as a list by the viewer: "SIGMOID" became "S".
// - Pixel Spacing of zero: pixels count as squares without a size, as where the attribute is absent.
(() => {
  const AHEAD = 10001; // OHIF's own provider has 9999

  const usableWindow = module =>
    module.windowWidth?.every?.(width => width >= 1)
      ? module
      : { ...module, windowCenter: undefined, windowWidth: undefined };
  const listed = module =>
    typeof module.voiLUTFunction === 'string'
      ? { ...module, voiLUTFunction: [module.voiLUTFunction] }
      : module;
  const spaced = module =>
    module.rowPixelSpacing > 0 && module.columnPixelSpacing > 0 ? module : { ...module, ...UNKNOWN };
  // What OHIF says of an image without Pixel Spacing; lengths are then told in pixels.
  const UNKNOWN = {
    pixelSpacing: 1,
    rowPixelSpacing: 1,
    columnPixelSpacing: 1,
    usingDefaultValues: true,
  };
  const REPAIRS = {
    voiLutModule: module => usableWindow(listed(module)),
    imagePlaneModule: spaced,
  };

  const register = metaData => {
    let asking = false;
    const provide = (type, ...query) => {
      if (asking || !(type in REPAIRS)) {
        return undefined;
      }
      asking = true;
      try {
        const found = metaData.get(type, ...query);
        return found && REPAIRS[type](found);
      } finally {
        asking = false;
      }
    };
    metaData.addProvider(provide, AHEAD);
  };

  // OHIF puts cornerstone there once it is loaded, before it reads any header.
  let cornerstone;
  Object.defineProperty(window, 'cornerstone', {
    configurable: true,
    get: () => cornerstone,
    set: value => {
      cornerstone = value;
      register(value.metaData);
    },
  });
})();
