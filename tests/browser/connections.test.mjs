// Apps that are connected and disconnected: on devices without a keyboard, for one person, for
// everybody in a workspace or on the server, all at once; with scripts and without.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { callback, close, heading, launch, openAs, press } from './browser.mjs';
import { ADA, ADMIN, BEN, authorization, connect, device, poll, television } from './every-page.mjs';
import { start } from './site.mjs';

let site, browser, app, client;

before(async () => {
  [site, browser, app] = await Promise.all([start(), launch(), callback()]);
  client = await television(site);
});
after(async () => {
  await browser?.close();
  await app?.stop();
  await site?.stop();
});

const flash = (page) => page.locator('.flash[role=status]').textContent();
const me = async ({ access_token }) =>
  (await fetch(site.at('/api/v1/me'), { headers: { authorization: `Bearer ${access_token}` } })).status;

for (const javaScriptEnabled of [true, false]) {
  const as = (username) => openAs(browser, site, username, { javaScriptEnabled });
  const isAsked = async (page, which) => {
    await page.goto(authorization(site, which, { redirect_uri: app.uri }));
    return (await page.locator('#consent-allow').count()) > 0;
  };

  describe(javaScriptEnabled ? 'with scripts' : 'without scripts', () => {
    it('a device is connected by its code, and disconnected', async () => {
      const page = await as(ADA);
      const waiting = await device(site, client);
      assert.equal((await poll(site, client, waiting)).error, 'authorization_pending');

      await page.goto('/device');
      await page.getByLabel('Code that the device shows').fill('BCDF-GHJK');
      await press(page, '#device-continue');
      await page.locator('#user_code-problem').waitFor();
      await page.getByLabel('Code that the device shows').fill(waiting.user_code.toLowerCase());
      await press(page, '#device-continue');
      assert.match(await heading(page), /A television.* on a device\?/);
      await press(page, '#consent-allow');
      assert.equal(await heading(page), 'Device connected');
      // it may not ask more often than it was told
      await new Promise((resolve) => setTimeout(resolve, waiting.interval * 1000));
      const tokens = await poll(site, client, waiting);
      assert.equal(await me(tokens), 200);

      await page.goto('/settings/connected-apps');
      await press(page, page.getByRole('button', { name: 'Disconnect A television' }));
      await press(page, '#revoke');
      assert.match(await flash(page), /disconnected/);
      assert.equal(await me(tokens), 401);
      await close(page);
    });

    it('a device that somebody else has started is denied', async () => {
      const page = await as(ADA);
      const waiting = await device(site, client);
      await page.goto(waiting.path);
      await press(page, '#device-continue');
      await press(page, '#consent-deny');
      assert.equal(await heading(page), 'Device denied');
      assert.equal((await poll(site, client, waiting)).error, 'access_denied');
      await close(page);
    });

    it('an owner disconnects one person, then everybody', async () => {
      const [owner, member] = [await as(ADA), await as(BEN)];
      for (const page of [owner, member]) await connect({ site, app, page }, 'web');
      await owner.goto(`/workspaces/acme/settings/apps/${site.demo.clients.web.client_id}`);

      await press(owner, owner.getByRole('link', { name: `Disconnect ${BEN}` }));
      await press(owner, '#disconnect-person');
      assert.equal(await flash(owner), 'The person is disconnected from the app.');
      assert.deepEqual([await isAsked(member, 'web'), await isAsked(owner, 'web')], [true, false]);

      await connect({ site, app, page: member }, 'web');
      await owner.goto(`/workspaces/acme/settings/apps/${site.demo.clients.web.client_id}`);
      await press(owner, '#revoke-everybody');
      await press(owner, '#change-app');
      assert.equal(await flash(owner), 'Everybody is disconnected from the app.');
      assert.deepEqual([await isAsked(member, 'web'), await isAsked(owner, 'web')], [true, true]);
      await close(owner);
      await close(member);
    });

    it('an administrator disconnects everybody on the server', async () => {
      const [admin, member] = [await as(ADMIN), await as(BEN)];
      await connect({ site, app, page: member }, 'spa');
      await admin.goto('/admin/apps');
      await press(admin, admin.getByRole('link', { name: 'Disconnect everybody from Demo single-page app' }));
      await press(admin, '#revoke-everybody');
      await flash(admin);
      assert.equal(await isAsked(member, 'spa'), true);
      await close(admin);
      await close(member);
    });

    it('somebody disconnects all apps at once', async () => {
      const page = await as(BEN);
      for (const which of ['web', 'spa']) await connect({ site, app, page }, which);
      await page.goto('/settings/connected-apps');
      await press(page, '#revoke-all');
      assert.match(await page.locator('tbody').textContent(), /Demo web app/);
      await press(page, '#revoke-all');
      assert.equal(await flash(page), 'All apps are disconnected. Their tokens no longer work.');
      assert.deepEqual([await isAsked(page, 'web'), await isAsked(page, 'spa')], [true, true]);
      await close(page);
    });
  });
}
