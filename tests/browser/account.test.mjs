// One's own account and one's place in a workspace: address, profile, browsers, roles, proving
// oneself again; with scripts and without.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';

import { close, fillSignIn, heading, launch, open, openAs, press, signIn } from './browser.mjs';
import { ADA, ADMIN, linkTo } from './every-page.mjs';
import { start } from './site.mjs';

let site, browser;

before(async () => {
  [site, browser] = await Promise.all([start(), launch()]);
});
after(async () => {
  await browser?.close();
  await site?.stop();
});

const flash = (page) => page.locator('.flash[role=status]').textContent();

for (const javaScriptEnabled of [true, false]) {
  const mark = javaScriptEnabled ? 'with' : 'without';
  const create = (name, ...more) =>
    site.admin('create-user', '--username', `${name}-${mark}@guests.example`, ...more);
  const as = async (person, options = {}) => {
    const page = await open(browser, site, { javaScriptEnabled, ...options });
    await signIn(page, person);
    return page;
  };

  describe(`${mark} scripts`, () => {
    it('an email address is changed by its letter, and the old one brings the account back', async () => {
      const moe = await create('moe');
      const [old, moved] = [moe.username, `moved-${mark}@guests.example`];
      const page = await as(moe);
      await page.goto('/settings/profile');
      await page.locator('#email').fill(moved);
      await page.locator('#current_password').fill('not it');
      await press(page, '#change-email-submit');
      await page.locator('#current_password-problem').waitFor();
      assert.equal(await page.locator('#email').inputValue(), moved);
      await page.locator('#current_password').fill(moe.password);
      await press(page, '#change-email-submit');
      assert.match(await flash(page), /on its way to the new address/);

      const link = linkTo(await site.letterTo(moved, 'Confirm your new'), '/verify-email');
      await page.goto(link);
      await press(page, '#verify-submit');
      assert.equal(await flash(page), 'Your account has its new email address.');
      await page.goto(link);
      assert.equal(await page.locator('#verify-submit').count(), 0, 'works once');
      await signIn(page, { ...moe, username: moved });
      assert.equal(await heading(page), 'Connected apps');

      const back = linkTo(await site.letterTo(old, 'was changed'), '/restore-email');
      const password = 'mine and nobody else’s';
      const owner = await open(browser, site, { javaScriptEnabled });
      await owner.goto(back);
      await owner.locator('#password').fill(password);
      await owner.locator('#password_repeat').fill(password);
      await press(owner, '#restore-submit');
      await fillSignIn(owner, { username: old, password });
      assert.equal(await heading(owner), 'Connected apps');
      await page.goto('/settings/profile');
      assert.equal(await heading(page), 'Sign in', 'whoever had it is signed out');
      await owner.goto(back);
      assert.equal(await heading(owner), 'This link no longer works');
      await close(owner);
      await close(page);
    });

    it('a profile is filled in, and what is wrong is said beside its field', async () => {
      const page = await as(await create('pat'));
      await page.goto('/settings/profile');
      await page.getByLabel('Name', { exact: true }).fill('Pat O’Hara');
      await page.getByLabel('Given name').fill('Pat');
      await page.getByLabel('Birthday').fill('the day before yesterday');
      await press(page, '#profile-submit');
      await page.locator('#birthdate-problem').waitFor();
      assert.equal(await page.getByLabel('Given name').inputValue(), 'Pat');
      await page.getByLabel('Birthday').fill('1985-12-10');
      await press(page, '#profile-submit');
      assert.equal(await flash(page), 'Your profile is saved.');
      await page.reload();
      assert.equal(await page.getByLabel('Birthday').inputValue(), '1985-12-10');
      assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Pat O’Hara');
      await close(page);
    });

    it('one browser of several is signed out', async () => {
      const sam = await create('sam');
      const here = await as(sam);
      const phone = await as(sam, { userAgent: 'Mozilla/5.0 (Android 15; Mobile; rv:140.0) Firefox/140.0' });
      const third = await as(sam);
      await here.goto('/settings/sessions');
      assert.equal(await here.locator('tbody tr').count(), 3);
      const row = here.locator('tbody tr', { hasText: 'Firefox' });
      await press(here, row.getByRole('button', { name: /Sign out/ }));
      assert.equal(await flash(here), 'That browser is signed out.');

      await phone.goto('/settings/profile');
      assert.equal(await heading(phone), 'Sign in');
      await third.goto('/settings/profile');
      assert.equal(await heading(third), 'Profile');
      for (const page of [here, phone, third]) await close(page);
    });

    it('a role is changed, its holder leaves, and all of it is in the audit trail', async () => {
      const rob = await create('rob', '--workspace', 'reqflo');
      const [owner, page] = [
        await openAs(browser, site, ADA, { javaScriptEnabled }),
        await as(rob),
      ];
      const members = '/workspaces/reqflo/settings/members';
      assert.equal(await page.locator('#invite').count(), 0);

      await owner.goto(members);
      await press(owner, owner.getByRole('link', { name: `Change the role of ${rob.username}` }));
      await owner.getByLabel(/^Admin/).check();
      await press(owner, '#change-role-submit');
      assert.equal(await flash(owner), 'The role is changed. It holds from now on.');
      await page.goto(members);
      assert.equal(await page.locator('#invite').count(), 1);

      await press(page, '#leave-workspace');
      await press(page, '#leave-confirm');
      assert.equal(await flash(page), 'You have left the workspace.');
      assert.equal((await page.goto(members)).status(), 404);
      await owner.goto(`${members}/leave`);
      await press(owner, '#leave-confirm');
      await owner.getByText('You are the last owner').waitFor();

      await owner.goto('/workspaces/reqflo/settings/audit');
      await owner.getByLabel('By whom').fill(rob.username);
      await press(owner, '#filter-submit');
      assert.match(await owner.locator('table.trail').textContent(), new RegExp(rob.username));
      for (const link of ['#export-csv', '#export-jsonl']) {
        const [download] = await Promise.all([owner.waitForEvent('download'), owner.locator(link).click()]);
        const text = await readFile(await download.path(), 'utf8');
        assert.match(text, new RegExp(rob.username));
        assert.doesNotMatch(text, /acme\/ben/);
      }
      page.wrong.length = 0;
      await close(owner);
      await close(page);
    });

    it('what matters asks again who it is, and goes on where it was', async () => {
      const admin = site.person(ADMIN);
      const page = await as(admin);
      await site.age();

      await page.goto('/admin/new-client');
      assert.equal(await heading(page), 'Confirm that it is you');
      await page.locator('#password').fill('not it');
      await press(page, '#confirm-submit');
      await page.locator('#password-problem').waitFor();
      assert.equal(await page.locator('#password').inputValue(), '');
      await page.locator('#password').fill(admin.password);
      await press(page, '#confirm-submit');
      assert.equal(await heading(page), 'Register a client');
      await close(page);
    });
  });
}
