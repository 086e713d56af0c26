// Authenticator apps, recovery codes and passkeys, with a virtual authenticator in the browser.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { close, fillSignIn, heading, launch, open, signIn } from './browser.mjs';
import { ADA, BEN } from './every-page.mjs';
import { start } from './site.mjs';
import { nextTotp, totp } from './totp.mjs';

let site, browser;

before(async () => {
  [site, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await site?.stop();
});

// A device that keeps passkeys and knows its owner.
async function authenticator(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    credentials: async () =>
      (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    recognises: (isUserVerified) =>
      session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
  };
}

async function signOut(page) {
  await page.goto('/oauth/logout');
  await page.locator('#logout-confirm').click();
  assert.equal(await heading(page), 'Signed out');
}

describe('an authenticator app', () => {
  it('is set up without scripts, asked for, replaced by a recovery code, and turned off', async () => {
    const ben = site.person(BEN);
    const page = await open(browser, site, { javaScriptEnabled: false });
    await signIn(page, ben);

    await page.goto('/settings/security');
    await page.locator('#totp-enrol').click();
    const secret = await page.locator('#totp-secret').inputValue();
    assert.match(await page.locator('#totp-uri').getAttribute('href'), /^otpauth:\/\/totp\//);
    await page.locator('#code').fill('000000');
    await page.locator('#totp-confirm').click();
    assert.equal(await page.locator('#totp-secret').inputValue(), secret, 'the secret stays');
    const code = totp(secret);
    await page.locator('#code').fill(code);
    await page.locator('#totp-confirm').click();
    const codes = await page.locator('.codes li').allTextContents();
    assert.equal(new Set(codes).size, 10);
    await page.locator('#recovery-kept').click();

    await signOut(page);
    await signIn(page, ben);
    await page.locator('#code').fill(code);
    await page.locator('#second-factor-submit').click();
    await page.getByRole('alert').waitFor();
    await page.locator('#code').fill(nextTotp(secret));
    await page.locator('#second-factor-submit').click();
    assert.equal(await heading(page), 'Connected apps');

    await signOut(page);
    await signIn(page, ben);
    await page.locator('summary').click();
    await page.locator('#recovery_code').fill(codes[3]);
    await page.locator('#recovery-code-submit').click();
    assert.equal(await heading(page), 'Connected apps');
    await site.letterTo('ben@acme.example', 'recovery code');

    await page.goto('/settings/security');
    await page.getByText('9 of 10 left').waitFor();
    await page.locator('#totp-off').click();
    await page.getByRole('button', { name: /off/i }).click();
    await page.locator('#totp-enrol').waitFor();
    await signOut(page);
    await signIn(page, ben);
    assert.equal(await heading(page), 'Connected apps');
    await close(page);
  });
});

describe('a passkey', () => {
  it('signs in without a password, and is a second factor after one', async () => {
    const ada = site.person(ADA);
    const page = await open(browser, site);
    const device = await authenticator(page);
    await signIn(page, ada);

    await page.goto('/settings/security');
    await page.locator('#passkey-new').click();
    await page.locator('#name').fill('My laptop <b>');
    await page.locator('#passkey-add').click();
    await page.locator('#recovery-kept').click();
    await page.getByText('My laptop <b>').waitFor();
    assert.equal((await device.credentials()).length, 1);

    await signOut(page);
    await page.goto('/settings/profile');
    await page.locator('#passkey-sign-in').click();
    await page.waitForURL('**/settings/profile');
    assert.equal(await heading(page), 'Profile');

    await signOut(page);
    await signIn(page, ada);
    await page.locator('#passkey-verify').click();
    await page.locator('nav.tabs').waitFor();
    assert.equal(await heading(page), 'Connected apps');
    await close(page);
  });

  it('is not accepted from a device that does not know who holds it', async () => {
    const joe = site.person('joe@example.com');
    const page = await open(browser, site);
    const device = await authenticator(page);
    await signIn(page, joe);
    await page.goto('/settings/security/passkeys/new');
    await page.locator('#name').fill('Phone');
    await page.locator('#passkey-add').click();
    await page.locator('#recovery-kept').click();
    await signOut(page);

    await device.recognises(false);
    await page.goto('/login');
    await page.locator('#passkey-sign-in').click();

    await page.locator('[data-passkey-said]', { hasText: /passkey/i }).waitFor();
    await page.goto('/settings/profile');
    assert.equal(await heading(page), 'Sign in');

    await device.recognises(true);
    await page.locator('#passkey-sign-in').click();
    await page.waitForURL('**/settings/profile');
    await page.goto('/settings/security');
    await page.getByRole('link', { name: 'Remove Phone' }).click();
    await page.getByRole('button', { name: /Remove/ }).click();
    await page.locator('#passkey-new').waitFor();
    await signOut(page);
    await page.goto('/login');
    await page.locator('#passkey-sign-in').click();
    await page.getByRole('alert').waitFor();
    await fillSignIn(page, joe);
    assert.equal(await heading(page), 'Connected apps');
    await close(page);
  });

  it('is not offered where scripts do not run', async () => {
    const page = await open(browser, site, { javaScriptEnabled: false });

    await page.goto('/login');

    assert.equal(await page.locator('#passkey-sign-in').isVisible(), false);
    await page.getByText('needs JavaScript').waitFor();
    await close(page);
  });
});
