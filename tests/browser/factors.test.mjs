// Second factors: passkeys on a virtual authenticator, an authenticator app, recovery codes; with
// scripts and without.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { close, fillSignIn, heading, launch, open, press, signIn } from './browser.mjs';
import { passkeys } from './passkeys.mjs';
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

async function signOut(page) {
  await page.goto('/oauth/logout');
  await press(page, '#logout-confirm');
}

it('a passkey is made, signs in without a password, and is a second factor', async () => {
  const ada = site.person('acme/ada@acme.example');
  const page = await open(browser, site);
  const phone = await passkeys(page);
  await signIn(page, ada);
  await page.goto('/settings/security');
  await page.locator('#passkey-new').click();
  await page.getByLabel('Name').fill('My laptop');
  await page.locator('#passkey-add').click();
  await page.locator('.codes li').first().waitFor();
  assert.equal(await heading(page), 'Passkey added');
  await page.locator('#recovery-kept').click();
  assert.match(await page.locator('tbody').textContent(), /My laptop/);

  // the device says itself that it has one
  await page.locator('#passkey-new').click();
  await page.getByLabel('Name').fill('Again');
  await page.locator('#passkey-add').click();
  await page.getByText('This device has a passkey for your account already.').waitFor();

  await signOut(page);
  await page.goto('/settings/profile');
  await page.locator('#passkey-sign-in').click();
  await page.locator('nav.tabs').waitFor();
  assert.equal(await heading(page), 'Profile');

  await signOut(page);
  await signIn(page, ada);
  assert.equal(await heading(page), 'Use your passkey');
  await page.locator('#passkey-verify').click();
  await page.locator('nav.tabs').waitFor();

  await signOut(page);
  await phone.lock(true);
  await page.goto('/login');
  await page.locator('#passkey-sign-in').click();
  await page.getByText('No passkey was used. Try again when you are ready.').waitFor();
  await phone.lock(false);
  await page.locator('#passkey-sign-in').click();
  await page.locator('nav.tabs').waitFor();

  await page.goto('/settings/security');
  await page.getByRole('link', { name: 'Remove My laptop' }).click();
  await page.locator('#passkey-remove-confirm').click();
  assert.equal(await page.locator('tbody').count(), 0);
  await close(page);
  await site.letterTo('ada@acme.example', 'A passkey was removed');
});

for (const javaScriptEnabled of [true, false]) {
  const username = javaScriptEnabled ? 'acme/ben@acme.example' : 'joe@example.com';
  describe(javaScriptEnabled ? 'with scripts' : 'without scripts', () => {
    it('an authenticator app and recovery codes are set up, used and turned off', async () => {
      const person = site.person(username);
      const page = await open(browser, site, { javaScriptEnabled });
      await signIn(page, person);
      await page.goto('/settings/security');
      await page.locator('#totp-enrol').click();
      const secret = await page.locator('#totp-secret').inputValue();
      await page.getByLabel('Type the code').fill(totp(secret));
      await page.locator('#totp-confirm').click();
      const codes = await page.locator('.codes li').allTextContents();
      assert.equal(codes.length, 10);

      await signOut(page);
      await signIn(page, person);
      assert.equal(await heading(page), 'Enter your code');
      await page.getByLabel('Code', { exact: true }).fill(totp(secret, 1));
      await page.locator('#second-factor-submit').click();
      assert.equal(await heading(page), 'Connected apps');

      await signOut(page);
      await signIn(page, person);
      await page.getByText('Use a recovery code').click();
      await page.getByLabel('Recovery code', { exact: true }).fill(codes[0].toLowerCase());
      await press(page, '#recovery-code-submit');
      await page.goto('/settings/security');
      assert.match(await page.locator('#recovery-heading').textContent(), /9 of 10 left/);
      await page.locator('#recovery-new').click();
      await page.locator('#recovery-renew').click();
      assert.equal(await heading(page), 'New recovery codes');

      await page.goto('/settings/security');
      await page.locator('#totp-off').click();
      await page.locator('#totp-off-confirm').click();
      await signOut(page);
      await signIn(page, person);
      assert.equal(await heading(page), 'Connected apps');
      await close(page);
    });
  });
}

it('without scripts the pages say what passkeys need', async () => {
  const page = await open(browser, site, { javaScriptEnabled: false });
  await page.goto('/login');
  assert.ok(await page.getByText('Signing in with a passkey needs JavaScript').isVisible());
  assert.ok(!(await page.locator('#passkey-sign-in').isVisible()));
  await fillSignIn(page, site.person('ada@acme.example'));
  await page.goto('/settings/security/passkeys/new');
  assert.ok(await page.getByText('Passkeys need JavaScript').isVisible());
  assert.ok(!(await page.locator('#passkey-add').isVisible()));
  await close(page);
});
