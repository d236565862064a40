// Keys in a row of tabs (WAI-ARIA, the pattern "tabs"): the arrows go to the next and choose it.

import { all, around } from '../../dom.js';

/** @param {KeyboardEvent} event */
function goThroughTabs(event) {
    const tab = around(event, '[role="tab"]');
    const row = tab?.closest('[role="tablist"]');
    if (!tab || !row || !['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key)) return;
    event.preventDefault();
    const tabs = all('[role="tab"]', row);
    const forward = getComputedStyle(row).direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? tabs.length - 1 : tabs.indexOf(tab) + (event.key === forward ? 1 : -1);
    const next = tabs.at(to % tabs.length);
    next?.click();
    next?.focus();
}

export const handleTabKeys = () => document.addEventListener('keydown', goThroughTabs);
