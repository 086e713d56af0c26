// A real Chromium, people in it, and what they do on most pages.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.BROWSER_TOOLS}/package.json`);
const { chromium } = require('playwright-core');
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export const PHONE = { width: 360, height: 740 };
export const WIDE = { width: 1280, height: 900 };

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    // a container has no namespaces to build a sandbox of; only our own pages are opened
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
}

// A person's browser: no cookies, and every error of a page is an error of the test.
export async function open(browser, site, options = {}) {
  const context = await browser.newContext({ baseURL: site.issuer, viewport: WIDE, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.wrong = [];
  page.on('pageerror', (error) => page.wrong.push(String(error)));
  page.on('console', (message) => {
    // Chromium reports a refused form as an error of the page
    const isStatus = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isStatus) page.wrong.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(site.issuer)) page.elsewhere?.(request.url());
  });
  return page;
}

export async function close(page) {
  const { wrong } = page;
  await page.context().close();
  assert.deepEqual(wrong, [], 'errors of the pages');
}

// The browser of somebody who has signed in before: signing in hashes a password, which takes a while,
// and most tests are about something else. Not for tests that end sessions.
export async function openAs(browser, site, username, options = {}) {
  site.sessions ??= {};
  site.sessions[username] ??= remember(browser, site, username);
  return open(browser, site, { ...options, storageState: await site.sessions[username] });
}

async function remember(browser, site, username) {
  const page = await open(browser, site);
  await signIn(page, site.person(username));
  const state = await page.context().storageState();
  await page.context().close();
  return state;
}

export async function signIn(page, person) {
  await page.context().clearCookies();
  await page.goto('/login');
  await fillSignIn(page, person);
}

export async function fillSignIn(page, { username, password }) {
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await press(page, '#login-submit');
}

// Does what leads to another page, and answers with the response that brought it.
export async function leave(page, act) {
  const isHere = (frame) => frame === page.mainFrame();
  const isArrival = (response) =>
    isHere(response.frame())
    && response.request().isNavigationRequest()
    && ![301, 302, 303, 307].includes(response.status());
  const [response] = await Promise.all([
    page.waitForResponse(isArrival),
    page.waitForEvent('framenavigated', isHere),
    act(),
  ]);
  await page.waitForLoadState();
  return response;
}

// Presses what leads to another page.
export async function press(page, selector) {
  const target = typeof selector === 'string' ? page.locator(selector).first() : selector;
  return leave(page, () => target.click());
}

export async function heading(page) {
  return (await page.locator('h1').textContent()).trim();
}

// What axe-core finds on the page as it is, one line each.
export async function violations(page) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  const found = await page.evaluate(async (values) => {
    const options = { runOnly: { type: 'tag', values }, resultTypes: ['violations'] };
    return (await globalThis.axe.run(options)).violations;
  }, RULES);
  return found.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.any[0]?.message ?? node.failureSummary}`),
  );
}

// Whatever is wider than the window makes people scroll sideways (WCAG 2.2, 1.4.10).
export async function overflow(page) {
  return page.evaluate(() => {
    const root = document.documentElement;
    return root.scrollWidth > root.clientWidth ? `${root.scrollWidth} > ${root.clientWidth}` : '';
  });
}

// A client on this machine: answers its redirect URI with a page, and keeps what arrives. The port of
// a loopback address is free (RFC 8252 §7.3).
export async function callback() {
  const arrived = [];
  const server = createServer((request, response) => {
    if (request.url.startsWith('/callback')) arrived.push(new URL(request.url, 'http://127.0.0.1'));
    response.setHeader('content-type', 'text/html');
    response.end('<!DOCTYPE html><html lang="en"><title>App</title><h1>Back at the app</h1>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const uri = `http://127.0.0.1:${server.address().port}/callback`;
  return { arrived, uri, stop: () => new Promise((resolve) => server.close(resolve)) };
}
