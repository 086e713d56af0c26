// An app asks; the person allows, denies, and takes it back.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { callback, close, fillSignIn, heading, launch, open, signIn } from './browser.mjs';
import { ADA, authorization } from './every-page.mjs';
import { start } from './site.mjs';

let site, browser, app, ada;

before(async () => {
  [site, browser, app] = await Promise.all([start(), launch(), callback()]);
  ada = site.person(ADA);
});
after(async () => {
  await browser?.close();
  await app?.stop();
  await site?.stop();
});

const asked = (client = 'web', more = {}) =>
  authorization(site, client, { redirect_uri: app.uri, ...more });

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? 'with scripts' : 'without scripts', () => {
    it('asks an app that was not seen before, and lets the person deny', async () => {
      const page = await open(browser, site, { javaScriptEnabled });

      await page.goto(asked());
      await page.getByText('to continue to').waitFor();
      await fillSignIn(page, ada);
      assert.match(await heading(page), /^Allow /);
      await page.getByText('127.0.0.1').waitFor();
      await page.locator('#consent-deny').click();

      assert.equal(await heading(page), 'Back at the app');
      const query = app.arrived.at(-1).searchParams;
      assert.equal(query.get('error'), 'access_denied');
      assert.equal(query.get('state'), 'xyz');
      assert.equal(query.get('iss'), site.issuer);
      await close(page);
    });

    it('sends a code to the app that the person allows, and remembers', async () => {
      const page = await open(browser, site, { javaScriptEnabled });
      await signIn(page, ada);

      await page.goto(asked());
      await page.locator('#consent-allow').click();
      assert.equal(await heading(page), 'Back at the app');
      assert.ok(app.arrived.at(-1).searchParams.get('code'));
      const seen = app.arrived.length;
      await page.goto(asked());
      assert.equal(await heading(page), 'Back at the app');
      assert.ok(app.arrived[seen].searchParams.get('code'));

      await page.goto('/settings/connected-apps');
      await disconnect(page);
      await page.goto(asked());
      assert.match(await heading(page), /^Allow /);
      await close(page);
    });
  });
}

it('shows an app that cannot be trusted nothing but a page', async () => {
  const page = await open(browser, site);
  await signIn(page, ada);

  const response = await page.goto(authorization(site, 'web', { redirect_uri: 'https://evil.example/' }));

  assert.equal(response.status(), 400);
  await page.getByText('redirect_uri').first().waitFor();
  assert.ok(page.url().startsWith(site.issuer));
  page.wrong.length = 0;
  await close(page);
});

// Disconnects the only app.
async function disconnect(page) {
  await page.locator('.app form button').first().click();
  await page.locator('#revoke').first().click();
  await page.getByText('disconnected').first().waitFor();
}
