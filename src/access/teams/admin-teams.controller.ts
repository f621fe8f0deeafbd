import { All, Body, Controller, Delete, Get, Param, Patch, Post, Query, Req } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { MethodNotAllowedError } from '../../domain/errors.js';
import { page, type QueryParameters, refuseOthers } from '../../http/query.js';
import { Admin } from '../admin.decorator.js';
import { limitTerms, UNLIMITED } from '../limit-terms.js';
import { teamPage, teamView } from './team-page.js';
import { TeamRegister } from './team-register.js';
import { ChangeTeamDto, CreateTeamDto } from './team.dto.js';

/** Teams for whoever runs the gateway: what all keys of one owner may use together. */
@Admin()
@Controller('admin/teams')
export class AdminTeamsController {
  constructor(private readonly register: TeamRegister) {}

  @Post()
  async create(@Body() body: CreateTeamDto) {
    return teamView(await this.register.create({ ...UNLIMITED, ...limitTerms(body), name: body.name }));
  }

  @Get()
  async list(@Query() query: QueryParameters) {
    refuseOthers(query, ['limit', 'cursor']);
    const wish = page(query);
    return teamPage(await this.register.all(), wish);
  }

  @Get(':name')
  async show(@Param('name') name: string) {
    return teamView(await this.register.find(name));
  }

  @Patch(':name')
  async change(@Param('name') name: string, @Body() body: ChangeTeamDto) {
    return teamView(await this.register.change(name, limitTerms(body)));
  }

  @Delete(':name')
  async delete(@Param('name') name: string) {
    await this.register.delete(name);
    return { name, object: 'team', deleted: true };
  }

  @All()
  refuse(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD', 'POST']);
  }

  @All(':name')
  refuseForOne(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD', 'PATCH', 'DELETE']);
  }
}
