// Those who administer the server: clients, people, enterprises, workspaces, keys, letters and the
// audit trail; with scripts and without.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';

import { close, heading, launch, open, openAs, press, signIn } from './browser.mjs';
import { ADA, ADMIN, authorization, linkTo } from './every-page.mjs';
import { start, until } from './site.mjs';
import { totp } from './totp.mjs';

let site, browser;

before(async () => {
  [site, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await site?.stop();
});

const flash = (page) => page.locator('.flash[role=status]').textContent();

// Presses what changes something, and goes on where a page asks first.
async function change(page, selector) {
  await press(page, selector);
  if (await page.locator('#confirm').count()) await press(page, '#confirm');
  return flash(page);
}

async function openUser(page, username) {
  await page.goto(`/admin/users?q=${encodeURIComponent(username)}`);
  await page.getByRole('link', { name: username, exact: true }).click();
  await page.locator('#sign-out').waitFor();
}

// What the token endpoint makes of a client's secret: a wrong code is invalid_grant.
async function accepts(client_id, secret) {
  const response = await fetch(site.at('/oauth/token'), {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${client_id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: 'none',
      redirect_uri: 'https://app.example/callback',
    }),
  });
  return (await response.json()).error === 'invalid_grant';
}

// Whether people are sent on to sign in for an app.
async function isLetIn(client_id) {
  const path = authorization(site, 'web', {
    client_id,
    redirect_uri: 'https://app.example/callback',
    scope: 'openid',
  });
  return (await fetch(site.at(path), { redirect: 'manual' })).status === 303;
}

for (const javaScriptEnabled of [true, false]) {
  const mark = javaScriptEnabled ? 'with' : 'without';
  const administer = () => openAs(browser, site, ADMIN, { javaScriptEnabled });
  const guest = async (name) => site.admin('create-user', '--username', `${name}-${mark}@guests.example`);

  describe(`${mark} scripts`, () => {
    it('a client is registered, changed, given another secret, stopped, and deleted', async () => {
      const page = await administer();
      await page.goto('/admin/clients');
      await press(page, '#register-client');
      await page.getByLabel('Name', { exact: true }).fill(`Client ${mark}`);
      await page.locator('#redirect_uris').fill('https://app.example/callback');
      await press(page, '#register-client-submit');
      const id = await page.locator('#client-id').inputValue();
      const secret = await page.locator('#client-secret').inputValue();
      assert.ok(await accepts(id, secret));
      await press(page, page.getByRole('link', { name: 'I have copied it' }));
      assert.ok(!(await page.content()).includes(secret), 'shown once');

      await press(page, '#edit-client');
      await page.getByLabel('Name', { exact: true }).fill(`Renamed ${mark}`);
      await press(page, '#edit-client-submit');
      assert.equal(await heading(page), `Renamed ${mark}`);
      assert.equal(await change(page, '#switch-verified'), 'The publisher is verified.');

      await press(page, '#rotate-secret');
      await page.getByLabel('For one day').check();
      await press(page, '#rotate-secret-confirm');
      const next = await page.locator('#client-secret').inputValue();
      assert.deepEqual([await accepts(id, secret), await accepts(id, next)], [true, true]);

      await page.goto(`/admin/clients/${id}`);
      assert.match(await change(page, '#disable-client'), /disabled/);
      assert.deepEqual([await isLetIn(id), await accepts(id, next)], [false, false]);
      assert.match(await change(page, '#enable-client'), /enabled/);
      assert.deepEqual([await isLetIn(id), await accepts(id, next)], [true, true]);

      await press(page, '#delete-client');
      await press(page, '#confirm');
      assert.equal(await flash(page), 'The client is deleted.');
      assert.equal(await isLetIn(id), false);
      await close(page);
    });

    it('a client is bound to a workspace, to an enterprise, and to nothing', async () => {
      const page = await administer();
      await page.goto(`/admin/clients/${site.demo.clients.spa.client_id}`);
      const home = page.locator('dl.facts div', { hasText: 'Workspace' }).locator('dd').first();

      await page.locator('#workspace').fill('acme');
      assert.equal(await change(page, '#bind-client'), 'The client is bound.');
      assert.match(await home.textContent(), /acme/i);
      await page.locator('#workspace').fill('');
      await page.locator('#enterprise').fill('nowhere');
      await press(page, '#bind-client');
      await page.locator('#enterprise-problem').waitFor();
      assert.equal(await page.locator('#enterprise').inputValue(), 'nowhere');
      await page.locator('#enterprise').fill('acme');
      assert.equal(await change(page, '#bind-client'), 'The client is bound.');
      assert.equal(await change(page, '#unbind-client'), 'The client is bound to nothing.');
      await close(page);
    });

    it('a user is locked, unlocked, verified, allowed the Comms API, and made an administrator', async () => {
      const somebody = await guest('lou');
      const [page, theirs] = [await administer(), await open(browser, site)];
      await signIn(theirs, somebody);

      await openUser(page, somebody.username);
      assert.match(await change(page, '#lock'), /locked/);
      await theirs.goto('/settings/profile');
      assert.equal(await heading(theirs), 'Sign in');
      await signIn(theirs, somebody);
      await theirs.locator('#login-problem').waitFor();

      assert.match(await change(page, '#unlock'), /unlocked/);
      await signIn(theirs, somebody);
      assert.equal(await heading(theirs), 'Connected apps');
      assert.match(await change(page, '#switch-verified'), /is verified/);
      assert.match(await change(page, '#switch-verified'), /no longer/);
      assert.match(await change(page, '#switch-comms'), /allowed/);
      assert.match(await change(page, '#promote'), /administrator now/);
      await theirs.goto('/admin/users');
      assert.equal(await heading(theirs), 'Users');
      assert.match(await change(page, '#demote'), /no longer/);
      assert.equal((await theirs.goto('/admin/users')).status(), 404);
      assert.match(await change(page, '#sign-out'), /signed out/);
      theirs.wrong.length = 0;
      await close(theirs);
      await close(page);
    });

    it('a user gets a new password by letter, and in without the second factor that is lost', async () => {
      const somebody = await guest('max');
      const [page, theirs] = [await administer(), await open(browser, site, { javaScriptEnabled })];
      await signIn(theirs, somebody);
      await theirs.goto('/settings/security/totp');
      await theirs.locator('#code').fill(totp(await theirs.locator('#totp-secret').inputValue()));
      await press(theirs, '#totp-confirm');

      await openUser(page, somebody.username);
      assert.match(await change(page, '#reset-second-factors'), /gone/);
      assert.match(await change(page, '#reset-password'), /on its way/);
      const letter = await site.letterTo(somebody.username, 'Reset your password');
      await theirs.goto(linkTo(letter, '/reset-password'));
      const password = 'a whole new password';
      await theirs.locator('#password').fill(password);
      await theirs.locator('#password_repeat').fill(password);
      await press(theirs, '#reset-submit');
      await signIn(theirs, { username: somebody.username, password });
      assert.equal(await heading(theirs), 'Connected apps');
      await close(theirs);
      await close(page);
    });

    it('an enterprise is created, renamed, and put on the allow-list', async () => {
      const page = await administer();
      await page.goto('/admin/enterprises');
      await press(page, '#new-enterprise');
      await page.locator('#name').fill('Globex');
      await page.locator('#pin').fill(`globex-${mark}`);
      await press(page, '#create-enterprise-submit');
      assert.equal(await flash(page), 'The enterprise is created.');

      await page.goto(`/admin/enterprises/globex-${mark}`);
      await page.locator('#name').fill('Globex & Sons');
      assert.match(await change(page, '#rename-enterprise-submit'), /new name/);
      assert.equal(await heading(page), 'Globex & Sons');
      assert.match(await change(page, '#switch-comms'), /is allowed/);
      await page.getByText('allowed for all its users').waitFor();
      assert.match(await change(page, '#deny-comms'), /no longer/);
      await close(page);
    });

    it('a workspace is created, gets another plan and a member, is disabled and enabled', async () => {
      const [page, ada] = [await administer(), await openAs(browser, site, ADA)];
      await page.goto('/admin/workspaces');
      await press(page, '#new-workspace');
      await page.locator('#name').fill('Wonders');
      await page.locator('#slug').fill(`wonders-${mark}`);
      await page.locator('#enterprise').fill('acme');
      await page.locator('#owner').fill(ADA);
      await press(page, '#create-workspace-submit');
      const [path, keys] = [`/admin/workspaces/wonders-${mark}`, `/workspaces/wonders-${mark}/settings/keys`];

      await page.goto(path);
      await page.locator('#plan').selectOption('scale');
      assert.equal(await change(page, '#set-plan-submit'), 'The plan is changed.');
      await ada.goto(keys);
      await ada.getByText('on the plan scale').waitFor();
      const ben = 'acme/ben@acme.example';
      await page.locator('#username').fill(ben);
      assert.equal(await change(page, '#add-member-submit'), 'The member is added.');
      await press(page, page.getByRole('link', { name: `Remove ${ben}` }));
      assert.match(await change(page, '#confirm'), /removed/);

      assert.match(await change(page, '#disable-workspace'), /disabled/);
      assert.equal((await ada.goto(keys)).status(), 404);
      assert.match(await change(page, '#enable-workspace'), /enabled/);
      assert.equal((await ada.goto(keys)).status(), 200);
      ada.wrong.length = 0;
      await close(ada);
      await close(page);
    });

    it('a subscription key is mailed, suspended, resumed, and replaced', async () => {
      const somebody = await guest('sue');
      const page = await administer();
      await page.goto('/admin/subscriptions');
      await page.locator('#account').fill(somebody.username);
      assert.match(await change(page, '#enable-account-submit'), /by mail/);
      const letter = await site.letterTo(somebody.username, 'Your subscription key');
      assert.ok(letter);

      await page.goto(`/admin/subscriptions?q=${encodeURIComponent(somebody.username)}`);
      await press(page, 'td.title a');
      assert.match(await change(page, '#suspend-subscription'), /suspended/);
      assert.match(await change(page, '#switch-subscription'), /works again/);
      await page.getByLabel('For one hour').check();
      assert.match(await change(page, '#rotate-subscription-submit'), /replaced/);
      await page.getByText('works until').waitFor();
      await close(page);
    });

    it('a signing key is replaced', async () => {
      const page = await administer();
      const kids = async () => {
        const { keys } = await (await fetch(site.at('/oauth/jwks.json'))).json();
        return keys.map(({ kid }) => kid);
      };
      const before = await kids();
      await page.goto('/admin/signing-keys');
      await press(page, page.getByRole('link', { name: 'Replace now: the ES256 key' }));
      assert.equal(await change(page, '#confirm'), 'The key is replaced.');
      const added = (await kids()).filter((kid) => !before.includes(kid));
      assert.equal(added.length, 1);
      await press(page, page.getByRole('link', { name: 'The ES256 key is compromised' }));
      assert.equal(await change(page, '#confirm'), 'The key is replaced.');
      assert.ok(!(await kids()).includes(added[0]));
      await close(page);
    });

    it('a token for registrations works until it is revoked', async () => {
      const page = await administer();
      await page.goto('/admin/clients');
      await press(page, '#registration-tokens');
      await page.locator('#note').fill(`Partners ${mark}`);
      await press(page, '#make-registration-token');
      const token = await page.locator('#registration-token').inputValue();
      const register = async () => (await fetch(site.at('/oauth/register'), {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ redirect_uris: ['https://app.example/callback'] }),
      })).status;
      assert.equal(await register(), 201);

      await press(page, page.getByRole('link', { name: 'I have copied it' }));
      const revoke = page.getByRole('button', { name: `Revoke the token for Partners ${mark}` });
      assert.match(await change(page, revoke), /revoked/);
      assert.equal(await register(), 401);
      await close(page);
    });

    it('the audit trail is filtered, and taken away', async () => {
      const page = await administer();
      await page.goto('/admin/audit');
      await page.getByLabel('What').selectOption('user.create');
      await page.getByLabel('By whom').fill('operator');
      await press(page, '#filter-submit');
      const rows = page.locator('table.trail tbody tr');
      assert.ok((await rows.count()) > 0);
      assert.deepEqual([...new Set(await rows.locator('td.title code').allTextContents())], ['user.create']);

      for (const [link, first] of [['#export-csv', /action/], ['#export-jsonl', /^{.*"user\.create"/]]) {
        const [download] = await Promise.all([page.waitForEvent('download'), page.locator(link).click()]);
        const text = await readFile(await download.path(), 'utf8');
        assert.match(text.split('\n')[0], first);
        assert.match(text, /user\.create/);
        assert.doesNotMatch(text, /workspace\.create/);
      }
      await close(page);
    });
  });
}

it('a letter that cannot be sent is tried again, or discarded', async () => {
  // nobody listens there
  const silent = await start({ LATCHKEY_MAIL__SMTP_URL: 'smtp://127.0.0.1:9?tls=opportunistic' });
  try {
    for (const javaScriptEnabled of [true, false]) {
      const page = await open(browser, silent, { javaScriptEnabled });
      const [username, address] = javaScriptEnabled
        ? ['acme/ben@acme.example', 'ben@acme.example'] : ['acme/tess@acme.example', 'tess@acme.example'];
      await page.goto('/forgot-password');
      await page.locator('#username').fill(username);
      await press(page, '#forgot-submit');
      await signIn(page, silent.person(ADMIN));
      const list = `/admin/outbox?state=waiting&q=${encodeURIComponent(address)}`;
      // it has failed once, and waits
      await until(async () => {
        await page.goto(list);
        return page.locator('tbody td[data-label=State]', { hasText: 'refused' }).count();
      });
      const letter = (words) => page.getByRole('button', { name: `${words} the letter to ${address}` });
      assert.equal(await change(page, letter('Try').first()), 'The letter will be tried in a moment.');
      await page.goto(list);
      assert.equal(await change(page, letter('Discard').first()), 'The letter is discarded.');
      await page.goto('/admin/outbox');
      assert.equal(await letter('Discard').count(), 0);
      await close(page);
    }
  } finally {
    await silent.stop();
  }
});
