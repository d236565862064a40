// When something was said, as short as a list has room for.

import { locale } from '../../language.js';
import { siteTime } from '../siteTime.js';

/** How a time of the day is written. */
export const clock = new Intl.DateTimeFormat(locale(), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const weekday = new Intl.DateTimeFormat(locale(), { weekday: 'short' });
const date = new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'short' });
const year = new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'short', year: 'numeric' });
const whole = new Intl.DateTimeFormat(locale(), { dateStyle: 'full', timeStyle: 'short' });

const DAY_MS = 24 * 60 * 60 * 1000;
const midnight = (time) => new Date(time).setHours(0, 0, 0, 0);

/** How many midnights, where somebody is, are between two times. @param {number | Date} from @param {number | Date} to */
export const daysBetween = (from, to) => Math.round((midnight(to) - midnight(from)) / DAY_MS);

/**
 * @param {string} at ISO 8601
 * @param {number} [now] by the site's clock
 */
export function shortTime(at, now = siteTime.now()) {
    const then = new Date(at);
    const days = daysBetween(then, now);
    if (days <= 0) return clock.format(then);
    if (days === 1) return 'Yesterday';
    if (days < 7) return weekday.format(then);
    return then.getFullYear() === new Date(now).getFullYear() ? date.format(then) : year.format(then);
}

/** @param {string} at */
export const longTime = (at) => whole.format(new Date(at));
