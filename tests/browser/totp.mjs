// What an authenticator app shows: RFC 6238 with the parameters that all of them have.
import { createHmac } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const STEP_MS = 30_000;

// The code now, or of the next step, which is accepted already. Not of the step before: that one ends
// while it is typed, whenever this step does.
export function totp(secret, steps = 0) {
  const digits = [...secret.replace(/[\s=]/g, '')].map((char) => ALPHABET.indexOf(char));
  const bits = digits.map((digit) => digit.toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / STEP_MS) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}
