// WCAG 2.2, 2.1.1 and 2.4.7: what matters can be done without a mouse, and at every stop on the way
// it is seen where one is.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';

import { callback, close, heading, launch, open } from './browser.mjs';
import { ADA, ADMIN, JOE, authorization, device, poll, television } from './every-page.mjs';
import { keyboard } from './keyboard.mjs';
import { start } from './site.mjs';
import { totp } from './totp.mjs';

let site, browser, app;

before(async () => {
  [site, browser, app] = await Promise.all([start(), launch(), callback()]);
});
after(async () => {
  await browser?.close();
  await app?.stop();
  await site?.stop();
});

const flash = (page) => page.locator('.flash[role=status]').textContent();

// Somebody who has signed in without a mouse, at the page that was asked for.
async function arrive(username, path) {
  const page = await open(browser, site);
  const keys = keyboard(page);
  const { password } = site.person(username);
  await page.goto(path);
  await keys.type('Username', username);
  await keys.type('Password', password);
  await keys.follow('Sign in');
  return { page, keys };
}

it('signing in and out', async () => {
  const { page, keys } = await arrive(ADA, '/settings/profile');
  assert.equal(await heading(page), 'Profile');
  await keys.follow('Sign out');
  await keys.follow('Sign out');
  assert.equal(await heading(page), 'Signed out');
  await close(page);
});

it('allowing an app less than it asks for, and disconnecting it', async () => {
  const { page, keys } = await arrive(ADA, authorization(site, 'web', { redirect_uri: app.uri }));
  await keys.tick(/^Create and delete datasets/);
  await keys.follow('Allow');
  assert.equal(await heading(page), 'Back at the app');
  assert.ok(app.arrived.at(-1).searchParams.get('code'));

  await page.goto('/settings/connected-apps');
  const shown = await page.locator('.app').textContent();
  assert.match(shown, /See your datasets/);
  assert.doesNotMatch(shown, /Create and delete datasets/);
  await keys.follow('Disconnect Demo web app');
  await keys.tick(/^Also block it/);
  await keys.follow('Disconnect');
  assert.match(await flash(page), /disconnected and blocked/);
  await keys.follow('Unblock Demo web app');
  assert.match(await flash(page), /may ask you again/);
  await close(page);
});

it('making a key, and rotating it', async () => {
  const { page, keys } = await arrive(ADA, '/workspaces/acme/settings/keys');
  await keys.follow('Create a key');
  await keys.type('Name', 'Made by keyboard');
  await keys.choose('Live');
  await keys.tick(/^See your datasets/);
  await keys.follow('Create the key');
  const key = await page.locator('#raw-key').inputValue();
  await keys.follow('I have copied it');

  const row = page.locator('tr', { hasText: 'Made by keyboard' });
  await page.goto(await row.getByRole('link', { name: 'Rotate' }).getAttribute('href'));
  await keys.choose('For one hour');
  await keys.follow('Rotate the key');
  assert.notEqual(await page.locator('#raw-key').inputValue(), key);
  await close(page);
});

it('inviting somebody', async () => {
  const { page, keys } = await arrive(ADA, '/workspaces/acme/settings/members');
  await keys.follow('Invite people');
  await keys.type('Whom', JOE);
  await keys.choose('Admin');
  await keys.follow('Send the invitation');
  assert.equal(await flash(page), 'The invitation is on its way.');
  assert.match(await page.locator('tbody').textContent(), /joe@example\.com\s*Admin/);
  await close(page);
});

it('setting up an authenticator app, and signing in with it', async () => {
  const { page, keys } = await arrive(JOE, '/settings/security');
  await keys.follow('Set one up');
  await keys.reach('Or type this secret into the app');
  const secret = await page.evaluate(() => document.activeElement.value);
  await keys.type('Type the code that the app shows', totp(secret));
  await keys.follow('Turn it on');
  assert.equal(await page.locator('.codes li').count(), 10);
  await keys.follow('I have kept them');
  await keys.follow('Sign out');
  await keys.follow('Sign out');
  await keys.follow('Sign in again');
  await keys.type('Username', JOE);
  await keys.type('Password', site.person(JOE).password);
  await keys.follow('Sign in');
  await keys.type('Code', totp(secret, 1));
  await keys.follow('Sign in');
  assert.equal(await heading(page), 'Connected apps');
  await close(page);
});

it('registering a client, and disabling it', async () => {
  const { page, keys } = await arrive(ADMIN, '/admin/clients');
  await keys.follow('Register a client');
  await keys.type('Name', 'Made by keyboard');
  await keys.choose('Public');
  await keys.type('Redirect URIs', 'https://app.example/callback');
  await keys.follow('Register');
  await keys.follow('Continue');
  assert.equal(await heading(page), 'Made by keyboard');
  await keys.follow(/^Disable/);
  // where it asks first
  if (await page.locator('#confirm').count()) await keys.follow(/^Disable/);
  assert.match(await flash(page), /The client is disabled/);
  await close(page);
});

it('connecting a device', async () => {
  const client = await television(site);
  const waiting = await device(site, client);
  const { page, keys } = await arrive(ADA, '/device');
  await keys.type('Code that the device shows', waiting.user_code);
  await keys.follow('Continue');
  await keys.follow('Allow');
  assert.equal(await heading(page), 'Device connected');
  assert.ok((await poll(site, client, waiting)).access_token);
  await close(page);
});
