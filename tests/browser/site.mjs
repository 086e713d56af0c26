// A server with demo data of its own, and the letters that it sends.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PATIENCE_MS = 60_000;
const run = promisify(execFile);
// Nobody can wait for what takes a quarter of an hour, so the sessions of the database are made older.
const AGE = `
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=20) as db:
    db.execute("UPDATE browser_session SET confirmed_at = confirmed_at - 3600000")
`;

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// Starts a server; passkeys need a name, so that is how it is reached.
export async function start(settings = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'latchkey-browser-'));
  const data = join(directory, 'data');
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const program = spawn(
    process.env.LATCHKEY,
    ['serve', '--demo', '--listen', `127.0.0.1:${port}`, '--data-dir', data],
    {
      env: { PATH: process.env.PATH, LATCHKEY_ISSUER: issuer, RUST_LOG: 'warn', ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let said = '';
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (text) => (said += text));
  const ended = new Promise((resolve) => program.on('exit', resolve));
  await until(() => said.includes(' listens on ') || program.exitCode !== null);
  if (program.exitCode !== null) throw new Error(`the server did not start: ${said}`);
  const demo = JSON.parse(await readFile(join(data, 'demo.json'), 'utf8'));
  return {
    issuer,
    demo,
    at: (path) => new URL(path, issuer).href,
    person: (username) => [demo.admin, ...demo.users].find((user) => user.username === username),
    letters: () => letters(join(data, 'mail')),
    letterTo: (address, subject) => letterTo(join(data, 'mail'), address, subject),
    // `latchkey admin …`: what it says.
    async admin(...args) {
      const env = { PATH: process.env.PATH, LATCHKEY_ISSUER: issuer, LATCHKEY_DATA_DIR: data };
      const { stdout } = await run(process.env.LATCHKEY, ['admin', ...args, '--json'], { env });
      return JSON.parse(stdout);
    },
    // Everybody has proved who they are an hour earlier than they have.
    age: () => run('python3', ['-c', AGE, join(data, 'latchkey.db')]),
    async stop() {
      program.kill('SIGTERM');
      const late = setTimeout(() => program.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(late);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

// Asks until the answer is not falsy.
export async function until(question) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain for ${question}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function letters(directory) {
  const names = await readdir(directory).catch(() => []);
  const files = names.filter((name) => name.endsWith('.eml'));
  return Promise.all(files.map(async (name) => readable(await readFile(join(directory, name), 'utf8'))));
}

// The newest letter to an address with such a subject, once it is there.
async function letterTo(directory, address, subject) {
  return until(async () => {
    const all = await letters(directory);
    const fitting = all.filter((letter) => letter.to === address && letter.subject.includes(subject));
    return fitting.sort((a, b) => a.at - b.at).at(-1);
  });
}

// As much of a letter as the flows need: RFC 2045 quoted-printable, and the links.
function readable(source) {
  const header = (name) => source.match(new RegExp(`^${name}: (.*)$`, 'mi'))?.[1].trim() ?? '';
  const text = source
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return {
    to: header('To'),
    subject: header('Subject'),
    at: Date.parse(header('Date')),
    text,
    links: text.match(/https?:\/\/[^\s<>"]+/g) ?? [],
  };
}
