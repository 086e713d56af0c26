// Everything in maps, without an end: the adapter that oidc-provider ships for trials forgets all
// but the last thousand models.
const models = new Map();
const uids = new Map();
const userCodes = new Map();
const grants = new Map();

export class Memory {
  constructor(type) {
    this.type = type;
  }

  key(id) {
    return `${this.type}:${id}`;
  }

  async upsert(id, payload, expiresIn) {
    const key = this.key(id);
    models.set(key, { payload, ends: expiresIn ? Date.now() + expiresIn * 1000 : Infinity });
    if (payload.uid) uids.set(payload.uid, id);
    if (payload.userCode) userCodes.set(payload.userCode, id);
    if (payload.grantId) {
      const members = grants.get(payload.grantId) ?? new Set();
      grants.set(payload.grantId, members.add(key));
    }
  }

  async find(id) {
    const found = models.get(this.key(id));
    return found && found.ends > Date.now() ? found.payload : undefined;
  }

  async findByUid(uid) {
    return this.find(uids.get(uid));
  }

  async findByUserCode(code) {
    return this.find(userCodes.get(code));
  }

  async consume(id) {
    const found = models.get(this.key(id));
    if (found) found.payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    const key = this.key(id);
    const grantId = models.get(key)?.payload.grantId;
    models.delete(key);
    grants.get(grantId)?.delete(key);
  }

  async revokeByGrantId(grantId) {
    for (const key of grants.get(grantId) ?? []) models.delete(key);
    grants.delete(grantId);
  }
}
