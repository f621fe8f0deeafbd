import { All, Body, Controller, Delete, Get, Param, Post, Query, Req } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { MethodNotAllowedError, NotFoundError } from '../domain/errors.js';
import { page, type QueryParameters } from '../http/query.js';
import { Admin } from './admin.decorator.js';
import { CreateKeyDto } from './create-key.dto.js';
import { KeyIssuer } from './key-issuer.js';
import { keyView } from './key-view.js';
import { keyWish } from './key-wish.js';
import { VirtualKeyStore } from './virtual-key.store.js';

/** Keys for whoever runs the gateway: make, list, show, delete. */
@Admin()
@Controller('admin/keys')
export class AdminKeysController {
  constructor(
    private readonly store: VirtualKeyStore,
    private readonly issuer: KeyIssuer,
  ) {}

  /** The only answer that holds the key itself. */
  @Post()
  async create(@Body() body: CreateKeyDto) {
    const { key, plaintext } = await this.issuer.issue(keyWish(body));
    const { id, ...rest } = keyView(key);
    return { id, key: plaintext, ...rest };
  }

  @Get()
  async list(@Query() query: QueryParameters) {
    const { items, nextCursor } = await this.store.list(page(query));
    return { object: 'list', data: items.map(keyView), has_more: nextCursor !== null, next_cursor: nextCursor };
  }

  @Get(':id')
  async show(@Param('id') id: string) {
    const key = await this.store.findById(id);
    if (key === undefined) throw unknownKey();
    return keyView(key);
  }

  @Delete(':id')
  async delete(@Param('id') id: string) {
    if (!(await this.issuer.revoke(id))) throw unknownKey();
    return { id, object: 'key', deleted: true };
  }

  @All()
  refuse(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD', 'POST']);
  }

  @All(':id')
  refuseForOne(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD', 'DELETE']);
  }
}

const unknownKey = (): NotFoundError => new NotFoundError('There is no key with this id.');
