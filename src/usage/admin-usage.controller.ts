import { All, Controller, Get, Query, Req, Res, StreamableFile } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Admin } from '../access/admin.decorator.js';
import { InvalidRequestError, MethodNotAllowedError } from '../domain/errors.js';
import type { RequestContext } from '../domain/request-context.js';
import { Context } from '../http/context.js';
import { page, period, refuseOthers, text, words, type QueryParameters } from '../http/query.js';
import { csvOf } from './usage-csv.js';
import { groupBody } from './usage-body.js';
import { DIMENSIONS, UsageStore, type SumFilter } from './usage.store.js';

const PARAMETERS = ['from', 'to', 'group_by', 'key_id', 'owner', 'model', 'provider', 'tag', 'limit', 'cursor'];
const CSV = 'text/csv';

/** Sums of what was used, for the operator. */
@Admin()
@Controller('admin/usage')
export class AdminUsageController {
  constructor(private readonly store: UsageStore) {}

  /** Of the UTC month that `to` is in, or of this one, unless `from` says otherwise. */
  @Get()
  async sums(
    @Req() request: Request,
    @Query() query: QueryParameters,
    @Context() { receivedAt }: RequestContext,
    @Res({ passthrough: true }) response: Response,
  ) {
    refuseOthers(query, PARAMETERS);
    const filter = filterOf(query, receivedAt);
    const by = words(query, 'group_by', DIMENSIONS);
    response.vary('accept');
    if (request.accepts(['application/json', CSV]) === CSV) {
      refusePages(query);
      response.setHeader('content-disposition', 'attachment; filename="usage.csv"');
      return new StreamableFile(await csvOf(this.store, filter, by), { type: `${CSV}; charset=utf-8; header=present` });
    }
    const { items, nextCursor } = await this.store.groups(filter, by, page(query));
    return {
      object: 'list',
      data: items.map((group) => groupBody(group, by)),
      has_more: nextCursor !== null,
      next_cursor: nextCursor,
    };
  }

  @All()
  refuse(@Req() { method }: Request): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD']);
  }
}

function filterOf(query: QueryParameters, now: number): SumFilter {
  const { to, from = monthOf(to === undefined ? now : to - 1) } = period(query);
  const conditions = {
    to,
    keyId: text(query, 'key_id'),
    owner: text(query, 'owner'),
    model: text(query, 'model'),
    provider: text(query, 'provider'),
    tag: text(query, 'tag'),
  };
  return { from, ...Object.fromEntries(Object.entries(conditions).filter(([, value]) => value !== undefined)) };
}

function monthOf(at: number): number {
  const day = new Date(at);
  return day.setUTCDate(1) - (at % 86_400_000);
}

/** A table is whole: a part of it would pass for all of it. */
function refusePages(query: QueryParameters): void {
  const param = ['limit', 'cursor'].find((name) => query[name] !== undefined);
  if (param === undefined) return;
  throw new InvalidRequestError(`\`${param}\` is for pages of JSON: CSV is always the whole list.`, { param });
}
