// API keys: made, copied, replaced, switched off, deleted; and what they are worth meanwhile.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { close, heading, launch, openAs } from './browser.mjs';
import { ADA, BEN } from './every-page.mjs';
import { start } from './site.mjs';

let site, browser;

before(async () => {
  [site, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await site?.stop();
});

const KEYS = '/workspaces/acme/settings/keys';

async function status(key) {
  const response = await fetch(site.at('/api/v1/me'), { headers: { authorization: `Bearer ${key}` } });
  return response.status;
}

async function create(page, name) {
  await page.goto(KEYS);
  await page.locator('#create-key').click();
  await page.locator('#name').fill(name);
  await page.locator('input[name=environment]').first().check();
  await page.locator('input[name=scope]').first().check();
  await page.locator('#create-key-submit').click();
  const field = page.locator('#raw-key');
  await field.waitFor();
  return field.inputValue();
}

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? 'with scripts' : 'without scripts', () => {
    it('a key works from when it is made until it is deleted', async () => {
      const page = await openAs(browser, site, ADA, { javaScriptEnabled });
      const name = `Nightly report ${javaScriptEnabled}`;

      const key = await create(page, name);
      assert.equal(await status(key), 200);
      await page.getByRole('link', { name: 'I have copied it' }).click();
      assert.ok(!(await page.content()).includes(key), 'shown once');
      const row = page.locator('tr', { hasText: name });

      await row.getByRole('button', { name: 'Switch off' }).click();
      assert.equal(await status(key), 403);
      await row.getByRole('button', { name: 'Switch on' }).click();
      assert.equal(await status(key), 200);

      await row.getByRole('link', { name: 'Rotate' }).click();
      await page.getByRole('button', { name: /Rotate/ }).click();
      const next = await page.locator('#raw-key').inputValue();
      assert.notEqual(next, key);
      assert.deepEqual([await status(key), await status(next)], [200, 200]);

      await page.goto(KEYS);
      await row.getByRole('link', { name: 'Delete' }).click();
      assert.match(await heading(page), /Delete/);
      await page.getByRole('button', { name: /Delete/ }).click();
      await page.getByText('The key is deleted').waitFor();
      assert.deepEqual([await status(key), await status(next)], [401, 401]);
      await close(page);
    });
  });
}

it('copies the key where scripts run', async () => {
  const page = await openAs(browser, site, ADA, { permissions: ['clipboard-read', 'clipboard-write'] });

  const key = await create(page, 'Copied');
  await page.getByRole('button', { name: 'Copy' }).click();
  await page.getByText('Copied.', { exact: true }).waitFor();

  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), key);
  await close(page);
});

it('offers no button that cannot work', async () => {
  const page = await openAs(browser, site, ADA, { javaScriptEnabled: false });

  const key = await create(page, 'Selected');

  assert.ok(key.startsWith('lk_'));
  assert.equal(await page.getByRole('button', { name: 'Copy' }).count(), 0);
  await close(page);
});

it('says beside the field what is wrong, and keeps what was typed', async () => {
  const page = await openAs(browser, site, ADA);
  await page.goto(`${KEYS}/new`);
  await page.locator('#name').fill('<b>Report</b>');
  await page.locator('form.card').evaluate((form) => (form.noValidate = true));

  await page.locator('#create-key-submit').click();

  const problem = page.locator('fieldset .problem').first();
  await problem.waitFor();
  assert.equal(await page.locator('#name').inputValue(), '<b>Report</b>');
  await close(page);
});

it("hides another member's keys from a member", async () => {
  const page = await openAs(browser, site, BEN);

  await page.goto(KEYS);

  assert.ok((await page.getByText("Another member's key").count()) > 0);
  assert.equal(await page.getByRole('link', { name: 'Rotate' }).count(), 0);
  await close(page);
});
