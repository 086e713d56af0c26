// The same of the pages of those who administer the server.
import { prepare } from './every-page.mjs';
import { walkThrough } from './walk.mjs';
import { ADMINS } from './walks-admin.mjs';

walkThrough(ADMINS, prepare);
