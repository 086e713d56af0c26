// A person without a mouse: Tab to a control by what it is called, then type, Space or Enter.
import assert from 'node:assert/strict';

import { leave } from './browser.mjs';

const STOPS = 200;

// What has the focus: its accessible name, and whether it is seen to have it. The ring is asked for
// as the difference to how the same control looks without the focus.
function focused() {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const looks = () => {
    const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(element);
    const outline = outlineStyle === 'none' || outlineWidth === '0px' ? 'none' : outlineColor;
    return { outline, boxShadow };
  };
  const ring = looks();
  const label = element.labels?.[0]?.textContent ?? element.textContent;
  const said = element.getAttribute('aria-label') ?? label;
  const name = said.replace(/\s+/g, ' ').trim();
  // a date has several stops, and would begin again with the first one
  if (element.type === 'date') return { name, isShown: ring.outline !== 'none' };
  element.blur();
  const plain = looks();
  element.focus();
  const isShown = ring.outline !== plain.outline || ring.boxShadow !== plain.boxShadow;
  return { name, type: element.type, isShown };
}

export function keyboard(page) {
  // Goes on from where the focus is; once past the end it begins again.
  async function reach(name) {
    const isMeant = typeof name === 'string' ? (it) => it === name : (it) => name.test(it);
    const seen = [];
    for (let stop = 0; stop < STOPS; stop += 1) {
      const now = await page.evaluate(focused);
      if (now) {
        assert.ok(now.isShown, `the focus is not seen at “${now.name}” of ${page.url()}`);
        if (isMeant(now.name)) return now;
        seen.push(now.name);
      }
      await page.keyboard.press('Tab');
    }
    return assert.fail(`Tab does not reach ${name} among ${[...new Set(seen)].join(' | ')}`);
  }

  // Presses Enter on what leads to another page.
  async function follow(name) {
    await reach(name);
    return leave(page, () => page.keyboard.press('Enter'));
  }

  return {
    reach,
    follow,
    async type(name, text) {
      await reach(name);
      await page.keyboard.press('Control+A');
      await page.keyboard.type(text);
    },
    // Ticks a box, or takes the tick away; for radio buttons arrows go from one to the next.
    async tick(name) {
      await reach(name);
      await page.keyboard.press('Space');
    },
    async choose(name) {
      const isMeant = (it) => it.startsWith(name);
      for (let stop = 0; stop < STOPS; stop += 1) {
        const now = await page.evaluate(focused);
        if (now?.type === 'radio') {
          for (let button = 0; button < 10; button += 1) {
            const at = await page.evaluate(focused);
            assert.ok(at.isShown, `the focus is not seen at “${at.name}”`);
            if (isMeant(at.name)) return page.keyboard.press('Space');
            await page.keyboard.press('ArrowDown');
          }
        }
        await page.keyboard.press('Tab');
      }
      return assert.fail(`no radio button is called ${name}`);
    },
  };
}
