// What an app may do is chosen piece by piece, by people and by their workspace.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';

import { callback, close, heading, launch, open, press, signIn } from './browser.mjs';
import { ADA, BEN, authorization } from './every-page.mjs';
import { start } from './site.mjs';

let site, browser, app;

before(async () => {
  [site, browser, app] = await Promise.all([start(), launch(), callback()]);
});
after(async () => {
  await browser?.close();
  await app?.stop();
  await site?.stop();
});

const asked = (client) => authorization(site, client, { redirect_uri: app.uri });
const last = (name) => app.arrived.at(-1).searchParams.get(name);

it('a scope is left out, and the app is shown with the others', async () => {
  const page = await open(browser, site, { javaScriptEnabled: false });
  await signIn(page, site.person(ADA));
  await page.goto(asked('web'));

  await page.locator('[name="scope.datasets:write"]').uncheck();
  await page.locator('#consent-allow').click();
  assert.ok(last('code'));
  await page.goto('/settings/connected-apps');
  const shown = await page.locator('main').textContent();
  assert.match(shown, /See your datasets/);
  assert.doesNotMatch(shown, /Create and delete datasets/);

  await page.goto(asked('web'));
  assert.match(await heading(page), /^Allow /, 'what was left out is asked for again');
  await close(page);
});

it('a blocked app cannot ask again until it is unblocked', async () => {
  const page = await open(browser, site, { javaScriptEnabled: false });
  await signIn(page, site.person('joe@example.com'));
  await page.goto(asked('web'));
  await press(page, '#consent-allow');

  await page.goto('/settings/connected-apps');
  await page.locator('.app form button').first().click();
  await page.getByLabel('Also block it').check();
  await press(page, '#revoke');
  await page.goto(asked('web'));
  assert.equal(await page.locator('#consent-allow').count(), 0);
  await page.goto('/settings/connected-apps');
  await press(page, page.getByRole('button', { name: /Unblock/ }));
  await page.goto(asked('web'));
  assert.match(await heading(page), /^Allow /);
  await close(page);
});

it('a member asks for an app, and the owner approves it with less', async () => {
  const [owner, member] = [await open(browser, site), await open(browser, site)];
  await signIn(owner, site.person(ADA));
  await signIn(member, site.person(BEN));

  await owner.goto('/workspaces/acme/settings/app-policy');
  await owner.locator('input[name=policy][value=approval]').check();
  await press(owner, '#set-policy');

  await member.goto(asked('web'));
  assert.equal(await member.locator('#consent-allow').count(), 0);
  await member.locator('#consent-ask').click();
  const letter = await site.letterTo('ada@acme.example', 'waits for your approval');
  assert.match(letter.text, /ben@acme\.example/);

  await owner.goto('/workspaces/acme/settings/apps');
  await owner.locator('#waiting a').first().click();
  const write = owner.locator('input[name=scope][value="datasets:write"]');
  if (await write.count()) await write.uncheck();
  await owner.locator('#approve-app').click();
  await site.letterTo('ben@acme.example', 'is approved');

  await member.goto(asked('web'));
  assert.equal(await member.locator('[name="scope.datasets:write"]').count(), 0);
  await member.locator('#consent-allow').click();
  assert.ok(last('code'));

  await owner.goto(`/workspaces/acme/settings/apps/${site.demo.clients.web.client_id}/deny`);
  await press(owner, '#change-app');
  await member.goto(asked('web'));
  assert.equal(await member.locator('#consent-allow').count(), 0);
  await close(owner);
  await close(member);
});
