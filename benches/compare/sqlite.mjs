// The adapter that oidc-provider's documentation outlines, on better-sqlite3: one table, prepared
// statements, write-ahead log. Commits wait for no disk, which is this library's usual setting.
import Database from 'better-sqlite3';

const seconds = () => Math.floor(Date.now() / 1000);

export function sqlite(file) {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.exec(`
    create table model (
      id text not null, type text not null, payload text not null, grant_id text, user_code text,
      uid text, expires_at integer, consumed_at integer, primary key (type, id)
    ) without rowid;
    create index model_grant on model (grant_id) where grant_id is not null;
    create index model_uid on model (uid) where uid is not null;
    create index model_user_code on model (user_code) where user_code is not null;
    create index model_expires on model (expires_at);
  `);
  const upsert = db.prepare(`
    insert into model (id, type, payload, grant_id, user_code, uid, expires_at)
    values (?, ?, ?, ?, ?, ?, ?)
    on conflict (type, id) do update set payload = excluded.payload, grant_id = excluded.grant_id,
      user_code = excluded.user_code, uid = excluded.uid, expires_at = excluded.expires_at`);
  const find = (column) =>
    db.prepare(`select payload, expires_at, consumed_at from model where type = ? and ${column} = ?`);
  const byId = find('id');
  const byUid = find('uid');
  const byUserCode = find('user_code');
  const consume = db.prepare('update model set consumed_at = ? where type = ? and id = ?');
  const destroy = db.prepare('delete from model where type = ? and id = ?');
  const revoke = db.prepare('delete from model where grant_id = ?');
  const read = (row) => {
    if (!row || (row.expires_at && row.expires_at < seconds())) return undefined;
    const payload = JSON.parse(row.payload);
    return row.consumed_at ? { ...payload, consumed: row.consumed_at } : payload;
  };

  return class {
    constructor(type) {
      this.type = type;
    }

    async upsert(id, payload, expiresIn) {
      const expires = expiresIn ? seconds() + expiresIn : null;
      const { grantId = null, userCode = null, uid = null } = payload;
      upsert.run(id, this.type, JSON.stringify(payload), grantId, userCode, uid, expires);
    }

    async find(id) {
      return read(byId.get(this.type, id));
    }

    async findByUid(uid) {
      return read(byUid.get(this.type, uid));
    }

    async findByUserCode(code) {
      return read(byUserCode.get(this.type, code));
    }

    async consume(id) {
      consume.run(seconds(), this.type, id);
    }

    async destroy(id) {
      destroy.run(this.type, id);
    }

    async revokeByGrantId(grantId) {
      revoke.run(grantId);
    }
  };
}
