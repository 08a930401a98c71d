// Loaded before anything is painted, so that a dark page does not flash white. What is kept is a preference, nothing else.
(function () {
    'use strict';
    var kept = null;
    try {
        kept = localStorage.getItem('switchgear.theme');
    } catch (error) {
        // No storage: follow the system.
    }
    if (kept === 'dark' || kept === 'light') document.documentElement.dataset.theme = kept;
})();
