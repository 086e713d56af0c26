// Going through lists of pages: reaching each, looking at it, and posting its form wrongly.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, it } from 'node:test';

import { PHONE, WIDE, callback, close, launch, open, overflow, press, signIn, violations } from './browser.mjs';
import { inspect } from './inspect.mjs';
import { start } from './site.mjs';

const TEMPLATES = new URL('../../templates/', import.meta.url);
const PROMISES = {
  axe: 'nothing is there that WCAG 2.2 AA forbids, in either colour scheme',
  narrow: 'no page is wider than a phone',
  mirrored: 'every page can be read from right to left',
  printed: 'every page can be printed: dark words, and nothing to press',
  focus: 'Tab reaches whatever can be used, and shows where it is',
  refused: 'every form that is posted wrongly says so',
  other: 'every page has its title, and fetches nothing from elsewhere',
};

// A page of a walk: its template, a path or how it is reached, and for forms how they are spoilt:
// what is put into which field, and what is pressed.
export const at = (template, reach, wrong, submit) => ({ template, reach, wrong, submit });

// Those of templates/ that are whole pages.
export function wholePages() {
  const names = readdirSync(TEMPLATES, { recursive: true }).filter((name) => name.endsWith('.html'));
  const isWhole = (name) => name !== 'settings.html' && source(name).includes('{% extends');
  return names.filter(isWhole).map((name) => name.replace(/\.html$/, '')).sort();
}

const source = (name) => readFileSync(new URL(name, TEMPLATES), 'utf8');

// What the title of a template's page may be.
function titles(template) {
  const title = source(`${template}.html`).match(/{% block title %}(.*?){% endblock %}/s)[1];
  const parts = title.split(/({%.*?%}|{{.*?}})/s).map((part) => {
    if (part.startsWith('{{')) return '.*';
    if (!part.startsWith('{%')) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const [word] = part.slice(2).trim().split(/\s/);
    if (['if', 'match', 'for'].includes(word)) return '(?:';
    if (word === 'endfor') return ')*';
    if (word === 'endif') return ')?';
    return word.startsWith('end') ? ')' : '|';
  });
  return new RegExp(`^${parts.join('')} · Latchkey$`, 's');
}

// Makes tests of walks: one for each, then one for each promise about all of their pages.
export function walkThrough(walks, prepare) {
  const found = Object.fromEntries(Object.keys(PROMISES).map((name) => [name, []]));
  const world = {};
  before(async () => {
    const settings = { LATCHKEY_ACCOUNTS__SIGN_UP: 'true' };
    [world.site, world.browser, world.app] = await Promise.all([start(settings), launch(), callback()]);
    world.places = await prepare(world);
  });
  after(async () => {
    await world.browser?.close();
    await world.app?.stop();
    await world.site?.stop();
  });
  for (const { name, who, pages } of walks) {
    it(`${name}: every page is reached`, async () => {
      const options = { viewport: WIDE, reducedMotion: 'reduce' };
      const page = await open(world.browser, world.site, options);
      page.elsewhere = (url) => {
        if (!url.startsWith(world.app.uri)) found.other.push(`fetched from elsewhere: ${url}`);
      };
      if (who) await signIn(page, who(world));
      for (const step of pages) await look(page, step, { ...world, page }, found);
      page.wrong = page.wrong.filter((text) => !text.includes('404'));
      await close(page);
    });
  }
  for (const [name, words] of Object.entries(PROMISES)) {
    it(words, () => assert.deepEqual([...new Set(found[name])], []));
  }
}

async function look(page, { template, reach, wrong, submit }, world, found) {
  const where = typeof reach === 'string' ? reach : template;
  const before = page.url();
  try {
    if (typeof reach === 'function') await reach(world);
    else await page.goto(reach.replace(/\{(\w+)\}/g, (_, name) => world.places[name]));
    await page.waitForLoadState();
  } catch (error) {
    throw new Error(`${template} is not reached from ${before}`, { cause: error });
  }
  const title = await page.title();
  if (!titles(template).test(title)) found.other.push(`${where}: ${template} has no title “${title}”`);
  const all = await inspect(page);
  for (const [kind, lines] of Object.entries(all)) {
    found[kind].push(...lines.map((line) => `${where}: ${line}`));
  }
  if (wrong) await spoil(page, { where, wrong, submit }, found);
}

// Posts a form as nobody should, past what the browser itself would stop, and looks at the answer.
async function spoil(page, { where, wrong, submit }, found) {
  await page.evaluate((fields) => {
    for (const [selector, value] of fields) {
      const elements = [...document.querySelectorAll(selector)];
      if (elements.length === 0) throw new Error(`there is no ${selector} to spoil`);
      for (const form of document.forms) form.noValidate = true;
      if (value === false) {
        for (const element of elements) element.checked = false;
        continue;
      }
      const [element] = elements;
      element.closest('details')?.setAttribute('open', '');
      if (element.tagName === 'SELECT') element.append(new Option(value, value));
      // else the browser keeps what is no day from being there
      if (element.type === 'date') element.type = 'text';
      element.value = value;
      if (element.type === 'radio' || element.type === 'checkbox') element.checked = true;
    }
  }, Object.entries(wrong));
  const isPost = await page.locator(submit).evaluate((button) => button.form.method === 'post');
  const response = await press(page, submit).catch((cause) => {
    throw new Error(`${where}: ${submit} posts nothing`, { cause });
  });
  const says = `${where}, posted wrongly`;
  if (isPost && ![401, 403, 422].includes(response.status())) {
    found.refused.push(`${says}: ${response.status()}`);
  }
  const problems = page.locator('.problem:visible, [role=alert]:visible');
  if ((await problems.count()) === 0) found.refused.push(`${says}: nothing says what is wrong`);
  const passwords = await page.locator('input[type=password]').evaluateAll((all) =>
    all.filter((field) => field.value).map((field) => field.id));
  if (passwords.length) found.refused.push(`${says}: comes back with ${passwords}`);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    found.axe.push(...(await violations(page)).map((what) => `${says}: ${colorScheme}: ${what}`));
  }
  await page.setViewportSize(PHONE);
  const wide = await overflow(page);
  if (wide) found.narrow.push(`${says}: wider than the window: ${wide}`);
  await page.setViewportSize(WIDE);
}
