// Pictures of the main pages, light and dark, wide and phone, for docs/pictures.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { PHONE, WIDE, launch, open, signIn } from './browser.mjs';
import { ADA, ADMIN, authorization, prepare } from './every-page.mjs';
import { start } from './site.mjs';

const DIRECTORY = process.env.PICTURES ?? 'docs/pictures';

const site = await start();
const browser = await launch();
const places = await prepare(browser, site);
const pages = [
  ['sign-in', null, '/login'],
  ['consent', ADA, authorization(site)],
  ['connected-apps', ADA, '/settings/connected-apps'],
  ['api-keys', ADA, '/workspaces/acme/settings/keys'],
  ['new-key', ADA, '/workspaces/acme/settings/keys/new'],
  ['security', ADA, '/settings/security'],
  ['profile', ADA, '/settings/profile'],
  ['clients', ADMIN, '/admin/clients'],
  ['client', ADMIN, places.client],
  ['docs', null, '/docs'],
];
await mkdir(DIRECTORY, { recursive: true });
for (const colorScheme of ['light', 'dark']) {
  for (const [size, viewport] of [['wide', WIDE], ['phone', PHONE]]) {
    for (const [name, person, path] of pages) {
      const page = await open(browser, site, { colorScheme, viewport });
      if (person) await signIn(page, site.person(person));
      await page.goto(path);
      const file = join(DIRECTORY, `${name}-${colorScheme}-${size}.png`);
      await page.screenshot({ path: file, fullPage: size === 'phone' });
      await page.context().close();
    }
  }
}
await browser.close();
await site.stop();
