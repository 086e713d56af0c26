// Signing in and out, by mouse and by keyboard, with scripts and without.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { close, fillSignIn, heading, launch, open, press, signIn } from './browser.mjs';
import { start } from './site.mjs';

let site, browser, ada;

before(async () => {
  [site, browser] = await Promise.all([start(), launch()]);
  ada = site.person('acme/ada@acme.example');
});
after(async () => {
  await browser?.close();
  await site?.stop();
});

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? 'with scripts' : 'without scripts', () => {
    it('leads to the page that was asked for, and out again', async () => {
      const page = await open(browser, site, { javaScriptEnabled });

      await page.goto('/settings/profile');
      assert.equal(await heading(page), 'Sign in');
      await fillSignIn(page, ada);
      assert.equal(await heading(page), 'Profile');

      await page.getByRole('link', { name: 'Sign out' }).click();
      await press(page, '#logout-confirm');
      assert.equal(await heading(page), 'Signed out');
      await page.goBack();
      await page.goto('/settings/profile');
      assert.equal(await heading(page), 'Sign in');
      await close(page);
    });

    it('keeps what was typed when the password is wrong, but for the password', async () => {
      const page = await open(browser, site, { javaScriptEnabled });

      await signIn(page, { username: ada.username, password: 'not the password' });

      assert.match(await page.locator('#login-problem').textContent(), /not right/);
      assert.equal(await page.getByLabel('Username').inputValue(), ada.username);
      assert.equal(await page.getByLabel('Password', { exact: true }).inputValue(), '');
      await close(page);
    });
  });
}

it('offers a way past the navigation', async () => {
  const page = await open(browser, site);
  await signIn(page, ada);

  await page.reload();
  await page.keyboard.press('Tab');
  assert.equal(await page.locator(':focus').textContent(), "Skip to the page's content");
  await page.keyboard.press('Enter');

  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await close(page);
});

it('shows nobody the pages of somebody who has signed out', async () => {
  const page = await open(browser, site);
  await signIn(page, ada);
  await page.goto('/settings/api-keys');
  await page.getByRole('link', { name: 'Sign out' }).click();
  await press(page, '#logout-confirm');

  await page.goBack();
  await page.goBack();

  // the page before is asked for again, because it may not be kept
  assert.equal(await heading(page), 'Sign in');
  await close(page);
});
