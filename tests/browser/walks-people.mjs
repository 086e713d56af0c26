// The pages of people, in the order in which they are come by.
import { fillSignIn, press, signIn } from './browser.mjs';
import { ADA, BEN, JOE, TESS, authorization, device, linkTo } from './every-page.mjs';
import { passkeys } from './passkeys.mjs';
import { totp } from './totp.mjs';
import { at } from './walk.mjs';

const person = (username) => ({ site }) => site.person(username);
const guest = (name) => ({ places }) => places.people[name];
const APPS = '/workspaces/acme/settings/apps';
const MEMBERS = '/workspaces/acme/settings/members';
const LONG = 'x'.repeat(5000);
const TWO_PASSWORDS = { '#password': 'long enough one', '#password_repeat': 'another one' };

const nobody = {
  name: 'somebody who is not signed in',
  pages: [
    at('account/login', '/login', { '#username': JOE, '#password': 'not it' }, '#login-submit'),
    at('account/login', ({ page, site }) => page.goto(authorization(site))),
    at('account/forgot_password', '/forgot-password'),
    at('account/forgot_password', async ({ page }) => {
      await page.locator('#username').fill(JOE);
      await press(page, '#forgot-submit');
    }),
    at('account/reset_password', async ({ page, site }) => {
      await page.goto(linkTo(await site.letterTo(JOE, 'Reset your password'), '/reset-password'));
    }, TWO_PASSWORDS, '#reset-submit'),
    at('account/reset_password', '/reset-password?token=missing'),
    at('account/sign_up', '/signup', { '#email': 'no address', '#name': '', ...TWO_PASSWORDS }, '#signup-submit'),
    at('account/sign_up', async ({ page }) => {
      await page.locator('#email').fill('grace@navy.example');
      await page.locator('#name').fill('Grace Hopper');
      for (const field of ['#password', '#password_repeat']) await page.locator(field).fill('nanoseconds');
      await press(page, '#signup-submit');
    }),
    at('account/verify_email', confirmSignUp),
    at('account/verify_email', async (world) => {
      await world.page.context().clearCookies();
      await confirmSignUp(world);
    }, { '#password': 'not it' }, '#verify-submit'),
    at('account/verify_email', '/verify-email?token=missing'),
    at('account/restore_email', '/restore-email?token=missing'),
    at('account/invitation', ({ page, places }) => page.goto(places.joes)),
    at('account/invitation', ({ page, places }) => page.goto(places.somebodys)),
    at('account/invitation_ended', '/invitations/missing'),
    at('account/second_factor', ({ page, site }) => signIn(page, site.person(TESS)),
      { '#code': '000000' }, '#second-factor-submit'),
    at('account/second_factor', ({ page, site }) => signIn(page, site.person(TESS)),
      { '#recovery_code': 'none' }, '#recovery-code-submit'),
    at('error', '/missing'),
    at('api/docs', '/docs'),
  ],
};

async function confirmSignUp({ page, site }) {
  await page.goto(linkTo(await site.letterTo('grace@navy.example', 'Confirm'), '/verify-email'));
}

// How the device's question is come by.
async function asked({ page, site, places }) {
  await page.goto((await device(site, places.television)).path);
  await press(page, '#device-continue');
}

const decided = (decision) => async (world) => {
  await asked(world);
  await press(world.page, `#consent-${decision}`);
};

const again = { prompt: 'consent' };

const apps = {
  name: 'an owner and apps',
  who: person(ADA),
  pages: [
    at('account/connected_apps', '/settings/connected-apps'),
    at('account/disconnect', '/settings/connected-apps/revoke?grant={grant}'),
    at('account/disconnect_all', '/settings/connected-apps/revoke-all'),
    at('account/blocked_apps', '/settings/connected-apps/blocked'),
    at('account/app_requests', '/workspaces/acme/settings/app-requests'),
    at('account/workspaces', '/settings/workspaces'),
    at('account/workspaces', '/settings/workspaces?q=missing'),
    at('account/workspace_apps', APPS, { '#client': 'missing' }, '#find-app'),
    at('account/workspace_app', `${APPS}/{web}`, { 'input[name=scope]': false }, '#approve-app'),
    at('account/workspace_app_change', `${APPS}/{web}/deny`),
    at('account/workspace_app_change', `${APPS}/{web}/revoke`),
    at('account/workspace_app', async ({ page }) => {
      await page.getByRole('link', { name: 'Cancel' }).click();
      await press(page, '#approve-app');
    }),
    at('account/workspace_app_change', `${APPS}/{web}/undecide`),
    at('account/workspace_app_person', async ({ page }) => {
      await page.getByRole('link', { name: 'Cancel' }).click();
      await page.getByRole('link', { name: `Disconnect ${BEN}` }).click();
    }),
    at('account/app_policy', '/workspaces/acme/settings/app-policy', { 'input[name=policy]': false }, '#set-policy'),
    at('oauth/consent', ({ page, site }) => page.goto(authorization(site, 'web', again))),
    at('oauth/consent', ({ page, site }) => {
      return page.goto(authorization(site, 'web', { ...again, scope: 'leads:read datasets:read' }));
    }, { 'input[name^="scope."]': false }, '#consent-allow'),
    at('account/login', ({ page, site }) => page.goto(authorization(site, 'web', { prompt: 'login' }))),
    at('oauth/form_post', async ({ page, site, app }) => {
      // else it would be left at once
      await page.route('**/static/form-post.js', (route) => route.abort());
      const more = { ...again, redirect_uri: app.uri, response_mode: 'form_post' };
      await page.goto(authorization(site, 'web', more));
      await press(page, '#consent-allow');
    }),
    at('oauth/device', '/device', { '#user_code': 'BBBB-BBBB' }, '#device-continue'),
    at('oauth/device', async ({ page, site, places }) => {
      await page.goto((await device(site, places.television)).path);
    }),
    at('oauth/device_consent', asked, { 'input[name^="scope."]': false }, '#consent-allow'),
    at('oauth/device_done', decided('allow')),
    at('oauth/device_done', decided('deny')),
    at('error', async ({ page, site }) => {
      await page.goto(authorization(site, 'web', { redirect_uri: 'https://evil.example/' }));
    }),
  ],
};

const own = {
  name: 'an owner and a workspace',
  who: person(ADA),
  pages: [
    at('account/security', '/settings/security',
      { '#current_password': 'not it', ...TWO_PASSWORDS }, '#change-password-submit'),
    at('account/profile', '/settings/profile', { '#birthdate': 'not a day', '#website': 'x' }, '#profile-submit'),
    at('account/profile', '/settings/profile',
      { '#email': 'new@acme.example', '#current_password': 'not it' }, '#change-email-submit'),
    at('account/sessions', '/settings/sessions'),
    at('account/end_sessions', '/settings/sessions/end-others'),
    at('account/keys', '/workspaces/acme/settings/keys'),
    at('account/new_key', '/workspaces/acme/settings/keys/new', { '#name': '', '#expires': '2001-01-01' }, '#create-key-submit'),
    at('account/created_key', async ({ page }) => {
      await page.goto('/workspaces/acme/settings/keys/new');
      await page.locator('#name').fill('Nightly report');
      await page.locator('input[name=environment]').first().check();
      await page.locator('input[name=scope]').first().check();
      await press(page, '#create-key-submit');
    }),
    at('account/rename_key', '{key}/rename', { '#name': '' }, '#rename-key-submit'),
    at('account/rotate_key', '{key}/rotate', { 'input[name=overlap]': 'forever' }, '#rotate-key-confirm'),
    at('account/delete_key', '{key}/delete'),
    at('account/members', MEMBERS),
    at('account/member', '{member}', { 'input[name=role]': 'emperor' }, '#change-role-submit'),
    at('account/remove_member', '{member}/remove'),
    at('account/leave_workspace', '/workspaces/flowestate/settings/members/leave', {}, '#leave-confirm'),
    at('account/invitations', '/workspaces/subscribeflow/settings/invitations',
      { '#username': 'nobody', 'input[name=role]': 'emperor' }, '#invite-submit'),
    at('account/audit', '/workspaces/acme/settings/audit',
      { '#from': 'yesterday', '#to': 'today' }, '#filter-submit'),
    at('account/scan_run', ({ page, places }) => page.goto(places.scan)),
    at('account/invitation', ({ page, places }) => page.goto(places.joes)),
    at('error', '/settings/missing'),
    at('oauth/logout', '/oauth/logout'),
    at('oauth/signed_out', ({ page }) => press(page, '#logout-confirm')),
  ],
};

const meant = {
  name: 'who is invited',
  who: person(JOE),
  pages: [at('account/invitation', ({ page, places }) => page.goto(places.joes))],
};

async function policy({ page }, value) {
  await page.goto('/workspaces/acme/settings/app-policy');
  await page.locator(`input[name=policy][value=${value}]`).check();
  await press(page, '#set-policy');
}

const member = {
  name: 'a member',
  who: person(BEN),
  pages: [
    at('account/keys', '/workspaces/acme/settings/keys'),
    at('account/members', MEMBERS),
    at('account/new_key', '/workspaces/acme/settings/keys/new'),
    at('account/workspace_apps', async (world) => {
      await signIn(world.page, world.site.person(ADA));
      await policy(world, 'approval');
      await world.page.goto(APPS);
    }),
    at('account/app_policy', '/workspaces/acme/settings/app-policy'),
    at('oauth/consent', async ({ page, site }) => {
      await page.context().clearCookies();
      await page.goto(authorization(site, 'web', again));
      await fillSignIn(page, site.person(BEN));
    }),
    at('oauth/barred', ({ page, site }) => page.goto(authorization(site, 'spa')),
      { '#message': LONG }, '#consent-ask'),
    at('oauth/barred', async ({ page }) => {
      await page.locator('#message').fill('For the report of every month.');
      await press(page, '#consent-ask');
    }),
    at('oauth/device_consent', asked),
    at('account/workspace_apps', async ({ page, site }) => {
      await signIn(page, site.person(ADA));
      await page.goto(APPS);
    }),
    at('account/workspace_app', ({ page }) => press(page, '#waiting td.does a')),
    at('oauth/consent', async ({ page, site }) => {
      await page.goto(authorization(site, 'spa', again));
    }),
  ],
};

const moved = {
  name: 'who changes the address',
  who: guest('moe'),
  pages: [
    at('account/no_workspace', '/settings/api-keys'),
    at('account/profile', '/settings/profile'),
    at('account/verify_email', async ({ page, site }) => {
      await press(page, '#verify-email-submit');
      await page.goto(linkTo(await site.letterTo('moe@example.com', 'Confirm'), '/verify-email'));
    }),
    at('account/verify_email', async ({ page, site, places }) => {
      await page.goto('/settings/profile');
      await page.locator('#email').fill('moved@example.com');
      await page.locator('#current_password').fill(places.people.moe.password);
      await press(page, '#change-email-submit');
      await page.goto(linkTo(await site.letterTo('moved@example.com', ''), '/verify-email'));
    }),
    at('account/restore_email', async ({ page, site }) => {
      await press(page, '#verify-submit');
      const letter = await site.letterTo('moe@example.com', 'changed');
      await page.goto(linkTo(letter, '/restore-email'));
    }, TWO_PASSWORDS, '#restore-submit'),
  ],
};

const withPasskey = {
  name: 'who has a passkey',
  who: guest('pia'),
  pages: [
    at('account/new_passkey', async ({ page }) => {
      await passkeys(page);
      await page.goto('/settings/security/passkeys/new');
    }, { '#name': '' }, '#passkey-add'),
    at('account/recovery_codes', async ({ page }) => {
      await page.goto('/settings/security/passkeys/new');
      await page.locator('#name').fill('My laptop');
      await press(page, '#passkey-add');
    }),
    at('account/security', '/settings/security'),
    at('account/rename_passkey', async ({ page }) => {
      await page.getByRole('link', { name: 'Rename My laptop' }).click();
    }, { '#name': '' }, '#rename-passkey-submit'),
    at('account/remove_passkey', async ({ page }) => {
      await page.goto('/settings/security');
      await page.getByRole('link', { name: 'Remove My laptop' }).click();
    }),
    at('account/renew_recovery_codes', '/settings/security/recovery-codes'),
    at('account/recovery_codes', ({ page }) => press(page, '#recovery-renew')),
    at('account/second_factor', async ({ page, places }) => {
      await signIn(page, places.people.pia);
    }),
    at('account/confirm', async ({ page, site }) => {
      await press(page, '#passkey-verify');
      await site.age();
      await page.goto('/confirm?next=/settings/profile');
    }, { '#password': 'not it' }, '#confirm-submit'),
  ],
};

const withCodes = {
  name: 'who has an authenticator app',
  who: guest('tom'),
  pages: [
    at('account/totp', '/settings/security/totp', { '#code': '000000' }, '#totp-confirm'),
    at('account/recovery_codes', async ({ page, places }) => {
      places.secret = await page.locator('#totp-secret').inputValue();
      await page.locator('#code').fill(totp(places.secret));
      await press(page, '#totp-confirm');
    }),
    at('account/totp_off', '/settings/security/totp/off'),
    at('account/confirm', async ({ page, site }) => {
      await site.age();
      await page.goto('/settings/security/recovery-codes');
    }),
    at('account/second_factor', async ({ page, places }) => {
      await page.locator('#password').fill(places.people.tom.password);
      await press(page, '#confirm-submit');
    }, { '#code': '000000' }, '#second-factor-submit'),
  ],
};

export const PEOPLE = [nobody, apps, own, meant, member, moved, withPasskey, withCodes];
