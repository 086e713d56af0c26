// Passwords: forgotten and changed; and the second step of a sign-in.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { close, fillSignIn, heading, launch, open, signIn } from './browser.mjs';
import { start } from './site.mjs';
import { totp } from './totp.mjs';

let site, browser;

before(async () => {
  [site, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await site?.stop();
});

for (const javaScriptEnabled of [true, false]) {
  const username = javaScriptEnabled ? 'joe@example.com' : 'acme/ben@acme.example';
  describe(javaScriptEnabled ? 'with scripts' : 'without scripts', () => {
    it('a forgotten password is replaced by a link that works once', async () => {
      const page = await open(browser, site, { javaScriptEnabled });
      const password = `a whole new password ${javaScriptEnabled}`;

      await page.goto('/login');
      await page.getByRole('link', { name: 'Forgot your password?' }).click();
      await page.getByLabel('Username').fill(username);
      await page.getByRole('button').click();
      const address = username.replace(/^acme\//, '');
      const letter = await site.letterTo(address, 'Reset your password');
      const link = letter.links.find((link) => link.includes('/reset-password'));
      assert.ok(link.startsWith(site.issuer));
      await page.goto(link);
      await page.locator('#password').fill(password);
      await page.locator('#password_repeat').fill(password);
      await page.getByRole('button').click();
      await page.getByText('Sign in with the new one').waitFor();
      await fillSignIn(page, { username, password });
      assert.equal(await heading(page), 'Connected apps');

      await page.goto(link);
      assert.equal(await page.locator('#password').count(), 0);
      page.wrong.length = 0;
      await close(page);
    });

    it('a changed password signs every other browser out', async () => {
      const username = javaScriptEnabled ? 'acme/ada@acme.example' : 'ada@acme.example';
      const ada = site.person(username);
      const [page, other] = [
        await open(browser, site, { javaScriptEnabled }),
        await open(browser, site, { javaScriptEnabled }),
      ];
      await signIn(page, ada);
      await signIn(other, ada);
      const password = 'quite another password';

      await page.goto('/settings/security');
      await page.getByLabel('Current password').fill(ada.password);
      await page.locator('#password').fill(password);
      await page.locator('#password_repeat').fill(password);
      await page.locator('#change-password-submit').click();
      await page.getByText('Your password is changed').waitFor();

      await other.goto('/settings/profile');
      assert.equal(await heading(other), 'Sign in');
      await page.goto('/settings/profile');
      assert.equal(await heading(page), 'Profile');
      await close(page);
      await close(other);
    });

    it('a second factor is asked for, and no code works twice', async () => {
      const tess = site.person('acme/tess@acme.example');
      const [page, other] = [
        await open(browser, site, { javaScriptEnabled }),
        await open(browser, site, { javaScriptEnabled }),
      ];
      await signIn(page, tess);
      // a code that the other run of this test has not used
      const code = totp(tess.totp_secret, javaScriptEnabled ? 0 : 1);

      await page.getByLabel('Code', { exact: true }).fill(code);
      await page.locator('#second-factor-submit').click();
      await page.locator('nav.tabs').waitFor();

      await signIn(other, tess);
      await other.getByLabel('Code', { exact: true }).fill(code);
      await other.locator('#second-factor-submit').click();
      await other.locator('#code-problem').waitFor();
      assert.equal(await other.locator('nav.tabs').count(), 0);
      await close(page);
      await close(other);
    });
  });
}
