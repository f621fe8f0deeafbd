import type { ServedModel } from '../catalog/served-model.js';

/** The model names this gateway answers to. Every one of them works on chat. */
export abstract class ServedModels {
  /** What is offered, in the order in which it is shown. */
  abstract list(): readonly ServedModel[];
  /** Also a name that is not listed but would be served: a dated version, a retired id. */
  abstract find(id: string): ServedModel | undefined;
}
