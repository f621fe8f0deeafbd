import { All, Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { MethodNotAllowedError, NotFoundError } from '../../domain/errors.js';
import type { VirtualKey } from '../../domain/virtual-key.js';
import { oneOf, page, type QueryParameters, refuseOthers, text } from '../../http/query.js';
import { Admin } from '../admin.decorator.js';
import { type KeyFilter, VirtualKeyStore } from '../virtual-key.store.js';
import { type IssuedKey, KeyIssuer } from './key-issuer.js';
import { keyView } from './key-view.js';
import { keyChange, keyWish } from './key-wish.js';
import { ChangeKeyDto, CreateKeyDto, RotateKeyDto } from './key.dto.js';

/** How long a key that is replaced stays good where nobody says how long. */
const GRACE_S = 86_400;

/** Keys for whoever runs the gateway: make, find, show, change, rotate, delete. */
@Admin()
@Controller('admin/keys')
export class AdminKeysController {
  constructor(
    private readonly store: VirtualKeyStore,
    private readonly issuer: KeyIssuer,
  ) {}

  @Post()
  async create(@Body() body: CreateKeyDto) {
    return withKey(await this.issuer.issue(keyWish(body)));
  }

  @Get()
  async list(@Query() query: QueryParameters) {
    const { items, nextCursor } = await this.store.list(page(query), filterOf(query));
    return { object: 'list', data: items.map(keyView), has_more: nextCursor !== null, next_cursor: nextCursor };
  }

  @Get(':id')
  async show(@Param('id') id: string) {
    return keyView(known(await this.store.findById(id)));
  }

  @Patch(':id')
  async change(@Param('id') id: string, @Body() body: ChangeKeyDto) {
    return keyView(known(await this.issuer.change(id, keyChange(body))));
  }

  @Post(':id/rotate')
  @HttpCode(200)
  async rotate(@Param('id') id: string, @Body() { grace_seconds: grace }: RotateKeyDto) {
    const issued = known(await this.issuer.rotate(id, (grace ?? GRACE_S) * 1000));
    const oldEnds = new Date(issued.key.previous?.goodUntil ?? 0).toISOString();
    return { ...withKey(issued), previous_key_expires_at: oldEnds };
  }

  @Delete(':id')
  async delete(@Param('id') id: string) {
    if (!(await this.issuer.delete(id))) throw unknownKey();
    return { id, object: 'key', deleted: true };
  }

  @All()
  refuse(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD', 'POST']);
  }

  @All(':id')
  refuseForOne(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD', 'PATCH', 'DELETE']);
  }

  @All(':id/rotate')
  refuseToRotate(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['POST']);
  }
}

/** Only the answers that make a key hold the key itself. */
function withKey({ key, plaintext }: IssuedKey) {
  const { id, ...rest } = keyView(key);
  return { id, key: plaintext, ...rest };
}

const FILTERS = ['search', 'owner', 'tag'] as const;

function filterOf(query: QueryParameters): KeyFilter {
  refuseOthers(query, [...FILTERS, 'disabled', 'limit', 'cursor']);
  const texts = FILTERS.map((name) => [name, text(query, name)] as const).filter(([, value]) => value !== undefined);
  const disabled = oneOf(query, 'disabled', ['true', 'false']);
  return { ...Object.fromEntries(texts), ...(disabled !== undefined && { disabled: disabled === 'true' }) };
}

function known<T extends VirtualKey | IssuedKey>(found: T | undefined): T {
  if (found === undefined) throw unknownKey();
  return found;
}

const unknownKey = (): NotFoundError => new NotFoundError('There is no key with this id.');
