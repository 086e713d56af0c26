// Signing up, being invited, and where one is signed in; with scripts and without.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { close, fillSignIn, heading, launch, open, press, signIn } from './browser.mjs';
import { ADA, BEN } from './every-page.mjs';
import { start } from './site.mjs';

let site, browser;

before(async () => {
  [site, browser] = await Promise.all([start({ LATCHKEY_ACCOUNTS__SIGN_UP: 'true' }), launch()]);
});
after(async () => {
  await browser?.close();
  await site?.stop();
});

const linkTo = (letter, path) => letter.links.find((link) => link.includes(path));

for (const javaScriptEnabled of [true, false]) {
  describe(javaScriptEnabled ? 'with scripts' : 'without scripts', () => {
    it('somebody new makes an account, which exists once the mail arrived', async () => {
      const page = await open(browser, site, { javaScriptEnabled });
      const username = `grace-${javaScriptEnabled}@navy.example`;
      const password = 'nanoseconds of wire';

      await page.goto('/login');
      await page.locator('a[href^="/signup"]').click();
      await page.locator('#email').fill(username);
      await page.locator('#name').fill('Grace <Hopper>');
      await page.locator('#password').fill(password);
      await page.locator('#password_repeat').fill('something else');
      await page.locator('#signup-submit').click();
      await page.locator('#password_repeat-problem').waitFor();
      assert.equal(await page.locator('#name').inputValue(), 'Grace <Hopper>');
      assert.equal(await page.locator('#password').inputValue(), '');
      await page.locator('#password').fill(password);
      await page.locator('#password_repeat').fill(password);
      await page.locator('#signup-submit').click();
      assert.equal(await heading(page), 'Look into your mailbox');

      const early = await open(browser, site);
      await signIn(early, { username, password });
      await early.locator('#login-problem').waitFor();
      await close(early);

      const letter = await site.letterTo(username, 'Confirm');
      await page.goto(linkTo(letter, '/verify-email'));
      await press(page, '#verify-submit');
      await page.goto('/settings/profile');
      assert.equal(await heading(page), 'Profile');
      await page.goto('/workspaces');
      assert.equal(await heading(page), 'API keys');
      await page.goto(linkTo(letter, '/verify-email'));
      assert.equal(await heading(page), 'This link no longer works');
      await close(page);
    });

    it('a member is invited, joins, and is removed', async () => {
      const page = await open(browser, site, { javaScriptEnabled });
      const invited = site.person(javaScriptEnabled ? 'joe@example.com' : 'ada@acme.example');
      await signIn(page, site.person(ADA));
      await page.goto('/workspaces/subscribeflow/settings/members');
      await page.locator('#invite').click();
      await page.locator('#username').fill(invited.username);
      await page.locator('#invite-submit').click();
      const letter = await site.letterTo(invited.username, 'Join the workspace');

      const guest = await open(browser, site, { javaScriptEnabled });
      await guest.goto(linkTo(letter, '/invitations/'));
      await guest.locator('#invitation-sign-in').click();
      await fillSignIn(guest, invited);
      await press(guest, '#invitation-accept');
      await guest.goto('/workspaces/subscribeflow/settings/members');
      assert.equal(await heading(guest), 'Members');

      await page.goto('/workspaces/subscribeflow/settings/members');
      await page.getByRole('link', { name: `Remove ${invited.username}` }).click();
      await press(page, page.getByRole('button', { name: /Remove/ }));
      const response = await guest.goto('/workspaces/subscribeflow/settings/members');
      assert.equal(response.status(), 404);
      guest.wrong.length = 0;
      await close(guest);
      await close(page);
    });

    it('a browser elsewhere is signed out', async () => {
      const [here, there] = [
        await open(browser, site, { javaScriptEnabled }),
        await open(browser, site, { javaScriptEnabled }),
      ];
      await signIn(here, site.person(BEN));
      await signIn(there, site.person(BEN));

      await here.goto('/settings/sessions');
      assert.ok((await here.locator('tbody tr').count()) >= 2);
      await here.locator('#end-others').click();
      await press(here, here.getByRole('button', { name: /Sign out/ }));

      await there.goto('/settings/profile');
      assert.equal(await heading(there), 'Sign in');
      await here.goto('/settings/profile');
      assert.equal(await heading(here), 'Profile');
      await close(here);
      await close(there);
    });
  });
}
