import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '../domain/secret.js';
import { ownSecret, secretOf } from './own-secret.js';

describe('ownSecret', () => {
  let parent: string;
  let folder: string;
  let file: string;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'parley-secret-'));
    folder = join(parent, 'data');
    file = join(folder, 'secret.key');
  });

  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(parent, { recursive: true, force: true });
  });

  it('is made once, for its owner alone, and is the same from then on', () => {
    const secret = ownSecret(folder).reveal();
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    expect(readdirSync(folder)).toEqual(['secret.key']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(ownSecret(folder).reveal()).toBe(secret);
    expect(ownSecret(join(parent, 'other')).reveal()).not.toBe(secret);
  });

  it('takes the text of a file that is there, so that PARLEY_SECRET_KEY may say the same', () => {
    ownSecret(folder);
    writeFileSync(file, `  ${'s'.repeat(40)}\n`);
    expect(ownSecret(folder).reveal()).toBe('s'.repeat(40));
  });

  it('goes on with a secret of this process where the file is of no use, and leaves it as it is', () => {
    const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    ownSecret(folder);
    writeFileSync(file, 'short');
    expect(ownSecret(folder).reveal()).not.toBe(ownSecret(folder).reveal());
    expect(readFileSync(file, 'utf8')).toBe('short');
    writeFileSync(join(parent, 'a file'), '');
    expect(ownSecret(join(parent, 'a file', 'below')).reveal()).toHaveLength(43);
    expect(warned.mock.calls.map(([line]) => /\((.*?)\)/.exec(String(line))?.[1])).toEqual([
      'too short',
      'too short',
      'ENOTDIR',
    ]);
  });

  it('is the one that was given; where replicas may share a database, it is a word at the start that none was', () => {
    const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const shared = { dataDir: folder, database: { url: new Secret('postgres://db/parley') } };
    const secretKey = new Secret('the same everywhere');
    expect(secretOf({ ...shared, secretKey })).toBe(secretKey);
    const own = secretOf({ dataDir: folder, database: {} }).reveal();
    expect(warned).not.toHaveBeenCalled();
    expect(secretOf(shared).reveal()).toBe(own);
    expect(warned).toHaveBeenCalledWith(expect.stringMatching(/^PARLEY_SECRET_KEY is not set/));
  });
});
