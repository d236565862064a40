/** Runs in a page: resolves when nothing is on its way any more: colours, places, what comes into sight. */
export async function comeToRest(): Promise<void> {
  // What is not rendered, as in a closed menu, gets no frames: its animations are over without saying so.
  const inSight = ({ effect }: Animation) => effect instanceof KeyframeEffect && Boolean(effect.target?.checkVisibility());
  const passing = document.getAnimations().filter((each) => inSight(each) && each.effect?.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(passing.map(({ finished }) => finished));
}
