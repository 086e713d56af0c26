// The server with its demo data, and a person whose browser knows forms and cookies and no scripts.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const demo = JSON.parse(readFileSync(process.env.DEMO, 'utf8'));
export const { issuer } = demo;
export const at = (path) => new URL(path, issuer);
export const ada = demo.users.find((user) => user.username === 'acme/ada@acme.example');
// What a client registers that the demo does not have: a page nobody serves is enough.
export const CALLBACK = 'http://127.0.0.1:9997/callback';

const wanted = process.env.FLOWS.split(' ').filter(Boolean);
let chain = Promise.resolve();
let found = 0;

// One thing that a client does; the next begins when it has ended, whether well or not.
export function flow(name, steps) {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  found += 1;
  chain = chain.then(async () => {
    try {
      await steps();
      console.log(`ok ${process.env.CLIENT} ${name}`);
    } catch (error) {
      console.log(`not ok ${process.env.CLIENT} ${name}`);
      console.error(error);
      process.exitCode = 1;
    }
  });
}

process.on('exit', () => {
  if (found > 0 && found >= wanted.length) return;
  console.error(`there is no such flow: ${wanted.join(' ')}`);
  process.exitCode = 1;
});

// A client that an administrator registers: what may not come by dynamic registration.
export function createClient(...options) {
  const places = ['--data-dir', dirname(process.env.DEMO), '--issuer', issuer];
  const command = ['admin', 'create-client', '--json', '--name', process.env.CLIENT];
  return JSON.parse(execFileSync(process.env.PROGRAM, [...command, ...options, ...places]));
}

// One for a device without a browser and without a secret (RFC 8628).
export const createDevice = (...scopes) =>
  createClient(
    '--public',
    ...['--grant-type', 'urn:ietf:params:oauth:grant-type:device_code'],
    ...scopes.flatMap((scope) => ['--scope', scope]),
  );

// One that has keys and no secret, under the rules of FAPI 2.0: what the profile made of it.
export function createFapi2(jwks, callback, ...scopes) {
  const file = join(dirname(process.env.DEMO), 'jwks-of-a-client.json');
  writeFileSync(file, JSON.stringify(jwks));
  const { client_id, settings } = createClient(
    ...['--profile', 'fapi2', '--jwks-file', file],
    ...['--grant-type', 'authorization_code', '--redirect-uri', callback],
    ...scopes.flatMap((scope) => ['--scope', scope]),
  );
  return { client_id, ...settings };
}

// What a client without a token of its own may ask of the API.
export async function me(token) {
  const answer = await fetch(at('/api/v1/me'), { headers: { Authorization: `Bearer ${token}` } });
  return { status: answer.status, body: await answer.json() };
}

// What a person presses who wants what the page is for.
const BUTTONS = ['login-submit', 'device-continue', 'consent-allow', 'logout-confirm'];

export class Browser {
  #cookies = new Map();

  // Goes where a client sends it, signs in, allows, and says where it is sent back to: an address,
  // or, for form_post, the request that the page would make by itself.
  async authorize(address, person = ada) {
    const page = await this.#through(await this.open(address), person);
    if (page.left) return page.left;
    if (!page.form?.leaves) throw new Error(`the person is lost on a page:\n${page.text}`);
    return new Request(page.form.action, { method: 'POST', body: page.form.fields({}) });
  }

  // Opens what a device shows, and allows it (RFC 8628 §3.3).
  async connectDevice({ verification_uri_complete: address }, person = ada) {
    const page = await this.#through(await this.open(address), person);
    if (page.heading !== 'Device connected') throw new Error(`no device is connected:\n${page.text}`);
  }

  // Signs out where a client sends it, and says where it is sent on to.
  async leave(address) {
    const page = await this.#through(await this.open(address));
    const onward = page.text?.match(/<a [^>]*id="logout-continue"[^>]*>/)?.[0];
    if (page.left ?? onward) return page.left ?? new URL(tag([, 'a', onward]).href);
    throw new Error(`nobody is sent on from the page:\n${page.text}`);
  }

  // Does what the pages ask for until they ask no more.
  async #through(page, person) {
    const typed = { ...person, workspace: demo.workspaces.acme.id };
    for (let steps = 0; steps < 8; steps += 1) {
      const button = BUTTONS.find((id) => page.formWith?.(id));
      if (!button) return page;
      page = await this.press(page, button, typed);
    }
    throw new Error(`the pages do not end:\n${page.text}`);
  }

  // Follows the server's own redirects; `left` is the first address elsewhere.
  async open(address, init = {}) {
    const headers = { Cookie: [...this.#cookies].map(([name, it]) => `${name}=${it}`).join('; ') };
    const answer = await fetch(address, { ...init, headers, redirect: 'manual' });
    for (const cookie of answer.headers.getSetCookie()) this.#keep(cookie);
    const location = answer.headers.get('location');
    if (!location) return new Page(answer.status, new URL(address), await answer.text());
    const next = new URL(location, address);
    return next.origin === at('/').origin ? this.open(next) : { left: next };
  }

  #keep(cookie) {
    const [pair, ...attributes] = cookie.split(';');
    const name = pair.slice(0, pair.indexOf('='));
    if (attributes.some((it) => /^\s*max-age=0\s*$/i.test(it))) this.#cookies.delete(name);
    else this.#cookies.set(name, pair.slice(name.length + 1));
  }

  // Presses the button of that id, with what the person has typed or chosen.
  async press(page, button, typed = {}) {
    const form = page.formWith(button);
    if (!form) throw new Error(`there is no ${button} on the page:\n${page.text}`);
    return this.open(form.action, { method: 'POST', body: form.fields(typed) });
  }
}

class Page {
  constructor(status, address, text) {
    Object.assign(this, { status, address, text });
    const sources = text.match(/<form[\s>][\s\S]*?<\/form>/g) ?? [];
    this.forms = sources.map((source) => new Form(source, address));
    this.form = this.forms.findLast(() => true);
    this.heading = text.match(/<h1[^>]*>([\s\S]*?)<\/h1>/)?.[1].trim();
  }

  formWith(id) {
    const form = this.forms.find((it) => it.tags.some((tag) => tag.id === id));
    return form?.by(id);
  }
}

// As much of a form as our pages need (HTML §4.10.22.4).
class Form {
  constructor(source, address, button = {}) {
    Object.assign(this, { source, address, button });
    this.tags = [...source.matchAll(/<(form|input|select|option|button)\b([^>]*)>/g)].map(tag);
    this.action = new URL(button.formaction ?? this.tags[0].action ?? address, address);
    this.leaves = this.action.origin !== address.origin;
  }

  by(id) {
    return new Form(this.source, this.address, this.tags.find((it) => it.id === id));
  }

  fields(typed) {
    const fields = new URLSearchParams();
    for (const it of this.tags) {
      const isSent = !['checkbox', 'radio'].includes(it.type) || it.checked !== undefined;
      const isField = it.tag === 'input' || it.tag === 'select';
      if (isField && it.name && isSent) fields.set(it.name, typed[it.name] ?? it.value ?? '');
    }
    if (this.button.name) fields.set(this.button.name, this.button.value);
    return fields;
  }
}

function tag([, name, attributes]) {
  const it = { tag: name };
  for (const [, key, value] of attributes.matchAll(/([a-z-]+)(?:="([^"]*)")?/g)) {
    it[key] = (value ?? '').replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, unescape);
  }
  return it;
}

function unescape(all, decimal, hexadecimal, name) {
  if (decimal) return String.fromCodePoint(Number(decimal));
  if (hexadecimal) return String.fromCodePoint(parseInt(hexadecimal, 16));
  return { amp: '&', lt: '<', gt: '>', quot: '"' }[name] ?? all;
}
