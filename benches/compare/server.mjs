// node server.mjs PORT SECRET [FILE]: oidc-provider in memory, or on a SQLite file.
import { Provider } from 'oidc-provider';

import { Memory } from './memory.mjs';
import { sqlite } from './sqlite.mjs';

const [port, secret, file] = process.argv.slice(2);
const client = (client_id, more) => ({ client_id, client_secret: secret, ...more });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: file ? sqlite(file) : Memory,
  clients: [
    client('service', {
      grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
    }),
    client('web', {
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['http://127.0.0.1:9999/callback'],
    }),
  ],
  cookies: { keys: [secret] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  issueRefreshToken: () => true,
  pkce: { required: () => true },
  rotateRefreshToken: true,
  scopes: ['leads:read'],
  ttl: {
    AccessToken: 3600, AuthorizationCode: 60, ClientCredentials: 3600, Grant: 1209600,
    Interaction: 3600, RefreshToken: 1209600, Session: 1209600,
  },
});
provider.use((context, next) => {
  if (context.path !== '/ready') return next();
  context.body = 'ready';
});
// a connection may rest between two rounds
provider.listen(Number(port), '127.0.0.1').keepAliveTimeout = 60_000;
