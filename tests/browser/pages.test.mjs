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
