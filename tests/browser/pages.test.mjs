// Every page: what WCAG 2.2 AA forbids, in both colour schemes; that a phone shows it without
// scrolling sideways; that nothing is fetched from elsewhere.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';

import { PHONE, WIDE, close, launch, open, overflow, signIn, violations } from './browser.mjs';
import { PAGES, prepare } from './every-page.mjs';
import { start } from './site.mjs';

let site, browser, places;

before(async () => {
  [site, browser] = await Promise.all([start({ LATCHKEY_ACCOUNTS__SIGN_UP: 'true' }), launch()]);
  places = await prepare(browser, site);
});
after(async () => {
  await browser?.close();
  await site?.stop();
});

for (const colorScheme of ['light', 'dark']) {
  for (const [size, viewport] of [['wide', WIDE], ['phone', PHONE]]) {
    it(`every page is accessible, ${colorScheme}, ${size}`, async () => {
      const found = [];
      for (const [person, pages] of Object.entries(PAGES)) {
        const page = await open(browser, site, { colorScheme, viewport });
        const foreign = [];
        page.elsewhere = (url) => foreign.push(url);
        if (person !== 'nobody') await signIn(page, site.person(person));
        for (const path of pages) {
          const response = await page.goto(path.replace(/\{(\w+)\}/g, (_, name) => places[name]));
          assert.ok(response.status() < 400 || path.includes('missing'), `${path}: ${response.status()}`);
          found.push(...(await violations(page)).map((what) => `${path}: ${what}`));
          const wide = await overflow(page);
          if (wide) found.push(`${path}: wider than the window: ${wide}`);
          assert.notEqual(await page.title(), '', path);
        }
        found.push(...foreign.map((url) => `fetched from elsewhere: ${url}`));
        page.wrong = page.wrong.filter((text) => !text.includes('404'));
        await close(page);
      }
      assert.deepEqual([...new Set(found)], []);
    });
  }
}

// WCAG 2.2, 2.4.7 and 2.1.1: Tab reaches whatever can be used, and shows where it is.
it('every page is gone through by keyboard, and the focus is visible at every stop', async () => {
  const found = [];
  for (const [person, pages] of Object.entries(PAGES)) {
    const page = await open(browser, site);
    if (person !== 'nobody') await signIn(page, site.person(person));
    for (const path of pages) {
      await page.goto(path.replace(/\{(\w+)\}/g, (_, name) => places[name]));
      found.push(...(await stops(page)).map((what) => `${path}: ${what}`));
    }
    page.wrong.length = 0;
    await close(page);
  }
  assert.deepEqual(found, []);
});

// What Tab leaves out, and where it does not show.
async function stops(page) {
  // radio buttons of one name are one stop
  const usable = 'a[href], button, input:not([type=hidden], [type=radio]), select, textarea, summary';
  await page.evaluate((selector) => {
    document.activeElement?.blur();
    globalThis.left = new Set(
      [...document.querySelectorAll(selector)].filter(
        (element) => element.checkVisibility() && !element.disabled,
      ),
    );
  }, usable);
  const wrong = [];
  for (let stop = 0; stop < 300; stop += 1) {
    await page.keyboard.press('Tab');
    const [is, isShown, left] = await page.evaluate(() => {
      const element = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      globalThis.left.delete(element);
      const name = element === document.body ? '' : element.outerHTML.slice(0, 80);
      return [name, outlineStyle !== 'none' && outlineWidth !== '0px', globalThis.left.size];
    });
    if (is && !isShown) wrong.push(`no focus is seen at ${is}`);
    if (left === 0) return wrong;
  }
  const left = await page.evaluate(() => [...globalThis.left].map((it) => it.outerHTML.slice(0, 80)));
  return [...wrong, ...left.map((it) => `Tab does not reach ${it}`)];
}
