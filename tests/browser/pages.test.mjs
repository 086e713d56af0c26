// Every page that people have: what WCAG 2.2 AA forbids, in both colour schemes; phones, paper, and
// reading from right to left; the keyboard; and what forms say when they are posted wrongly.
import assert from 'node:assert/strict';
import { it } from 'node:test';

import { prepare } from './every-page.mjs';
import { walkThrough, wholePages } from './walk.mjs';
import { ADMINS } from './walks-admin.mjs';
import { PEOPLE } from './walks-people.mjs';

it('no page is left out', () => {
  const reached = [...PEOPLE, ...ADMINS].flatMap(({ pages }) => pages.map(({ template }) => template));
  assert.deepEqual([...new Set(reached)].sort(), wholePages());
});

walkThrough(PEOPLE, prepare);
