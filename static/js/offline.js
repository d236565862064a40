// The page that stands in for all others while the site cannot be reached (views/offline.html):
// it looks for the site until that answers, and loads what was asked for.

const MIN_DELAY_MS = 2000; // ms until it looks again
const MAX_DELAY_MS = 30_000;
const ANSWER_TIMEOUT_MS = 10_000; // for an answer, which never comes over a network that one has left

let pause = MIN_DELAY_MS;

async function look() {
    const answer = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).catch(() => null);
    if (answer?.ok) return location.reload();
    pause = Math.min(pause * 1.5, MAX_DELAY_MS);
    setTimeout(look, pause * (0.5 + Math.random())); // not everybody at once
}

addEventListener('online', () => location.reload());
setTimeout(look, pause);
