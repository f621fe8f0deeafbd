// The gateway as it is shipped, but for its accounts: nothing is recorded. What it costs less is what the ledger costs.
// node unaccounted.mjs MAIN, with the environment of the gateway itself.
import { Test } from '@nestjs/testing';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const part = (file) => import(pathToFileURL(join(dirname(process.argv[2]), file)));
const [{ AppModule }, { loadConfig }, { PROVIDER_TYPES }, { GatewayExpressAdapter }, { prepareHttp }] =
  await Promise.all(
    [
      'app.module.js',
      'config/load-config.js',
      'providers/provider-types.js',
      'http/express.adapter.js',
      'http/prepare-http.js',
    ].map(part),
  );
const [{ RequestAccounts }, { PinoLogger }, { Readiness }] = await Promise.all(
  ['usage/request-accounts.js', 'observability/pino-logger.js', 'health/readiness.js'].map(part),
);

const source = { types: PROVIDER_TYPES };
const config = loadConfig(source);
const module = await Test.createTestingModule({ imports: [AppModule.forRoot(config, source)] })
  .overrideProvider(RequestAccounts)
  .useValue({ close: (_context, _ending, settled) => settled() })
  .compile();
const app = module.createNestApplication(new GatewayExpressAdapter(), {
  bodyParser: false,
  logger: new PinoLogger(config.logLevel),
});
prepareHttp(app);
await app.init();
await app.listen(config.server.port, config.server.host);
app.get(Readiness).ready();
