// Pictures of the main pages, light and dark, wide and phone, of which some are in docs/pictures.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { PHONE, WIDE, callback, launch, open, signIn } from './browser.mjs';
import { ADA, ADMIN, authorization, connect } from './every-page.mjs';
import { start } from './site.mjs';

const DIRECTORY = process.env.PICTURES ?? 'target/pictures';

const site = await start();
const browser = await launch();
const pages = [
  ['sign-in', null, '/login'],
  ['consent', ADA, authorization(site, 'web', { scope: 'openid profile leads:read leads:write' })],
  ['connected-apps', ADA, '/settings/connected-apps'],
  ['api-keys', ADA, '/workspaces/acme/settings/keys'],
  ['security', ADA, '/settings/security'],
  ['profile', ADA, '/settings/profile'],
  ['members', ADA, '/workspaces/acme/settings/members'],
  ['workspace-apps', ADA, '/workspaces/acme/settings/apps'],
  ['users', ADMIN, '/admin/users'],
  ['audit', ADMIN, '/admin/audit'],
];
// something to see, and each has to sign in only once
const app = await callback();
const signedIn = {};
for (const person of [ADA, ADMIN]) {
  const page = await open(browser, site);
  await signIn(page, site.person(person));
  if (person === ADA) for (const client of ['web', 'spa']) await connect({ site, app, page }, client);
  signedIn[person] = await page.context().storageState();
  await page.context().close();
}
await app.stop();

await mkdir(DIRECTORY, { recursive: true });
for (const colorScheme of ['light', 'dark']) {
  for (const [size, viewport] of [['wide', WIDE], ['phone', PHONE]]) {
    for (const [name, person, path] of pages) {
      const storageState = signedIn[person];
      const page = await open(browser, site, { colorScheme, viewport, storageState, reducedMotion: 'reduce' });
      await page.goto(path);
      // all of it: what is below the window's edge belongs to the page, too
      const file = join(DIRECTORY, `${name}-${colorScheme}-${size}.png`);
      await page.screenshot({ path: file, fullPage: true });
      await page.context().close();
    }
  }
}
await browser.close();
await site.stop();
