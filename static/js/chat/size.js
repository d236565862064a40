// How large something is, in words: as the pages say it (app/units.go).

import { locale } from '../language.js';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];

/** @param {number} bytes */
export function formatBytes(bytes) {
    const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
    return new Intl.NumberFormat(locale(), { style: 'unit', unit: UNITS[power], unitDisplay: power ? 'short' : 'long', maximumFractionDigits: power ? 1 : 0 }).format(bytes / 1000 ** power);
}
