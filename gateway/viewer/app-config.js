// Settings of OHIF 3.13 as the gateway serves it: one data source, on the same origin.
window.config = {
  name: 'airgate',
  routerBasename: null,
  extensions: [],
  modes: [],
  showStudyList: true,
  showErrorDetails: 'dev',
  showLoadingIndicator: true,
  showCPUFallbackMessage: true,
  showWarningMessageForCrossOrigin: false,
  strictZSpacingForVolumeViewport: true,
  groupEnabledModesFirst: true,
  maxNumberOfWebWorkers: 3,
  maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },

  // A segmentation or structured report is shown when it is opened, with no question in between.
  disableConfirmationPrompts: true,
  // Measurements of a shown report are followed at once; OHIF's standard mode asks first.
  measurementTrackingMode: 'simplified',

  // OHIF's dialogue about investigational use goes away with one click. Ours stays in the header.
  investigationalUseDialog: { option: 'never' },
  whiteLabeling: {
    createLogoComponentFn: React =>
      React.createElement(
        'span',
        { style: { display: 'flex', flexDirection: 'column', lineHeight: 1.15 } },
        React.createElement('b', { style: { color: 'white', fontSize: 17 } }, 'Airgate'),
        React.createElement(
          'span',
          { style: { color: '#ffd27d', fontSize: 11, whiteSpace: 'nowrap' } },
          'Research use only, not a medical device'
        )
      ),
  },

  defaultDataSourceName: 'airgate',
  dataSources: [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'airgate',
      configuration: {
        friendlyName: 'Airgate',
        name: 'airgate',
        qidoRoot: '/dicom-web',
        wadoRoot: '/dicom-web',
        wadoUriRoot: '/dicom-web',
        qidoSupportsIncludeField: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
        imageRendering: 'wadors',
        thumbnailRendering: 'wadors',
        enableStudyLazyLoad: true,
        omitQuotationForMultipartRequest: true,
        bulkDataURI: { enabled: true },
      },
    },
  ],

  // The browser session has ended: sign in again and come back to the same study.
  httpErrorHandler: error => {
    if (error.status === 401) {
      const here = window.location.pathname + window.location.search;
      window.location.assign('/ui/login?next=' + encodeURIComponent(here));
    }
  },
};
