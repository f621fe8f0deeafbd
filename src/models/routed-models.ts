import { Injectable } from '@nestjs/common';
import type { ServedModel } from '../catalog/served-model.js';
import { RouteTable } from '../routing/route-table.js';
import { ServedModels } from './served-models.js';

/** The names that the routes lead somewhere. */
@Injectable()
export class RoutedModels extends ServedModels {
  constructor(private readonly routes: RouteTable) {
    super();
  }

  list(): readonly ServedModel[] {
    return this.routes.list();
  }

  find(id: string): ServedModel | undefined {
    return this.routes.find(id);
  }
}
