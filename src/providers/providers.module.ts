import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TransportModule } from '../transport/transport.module.js';
import { TurnStateModule } from '../turn-state/turn-state.module.js';
import { AnthropicProvider } from './anthropic.provider.js';
import { AzureOpenAiProvider } from './azure-openai.provider.js';
import { BedrockProvider } from './bedrock.provider.js';
import { GeminiProvider } from './gemini.provider.js';
import { OpenAiProvider } from './openai.provider.js';
import { ProviderRegistry } from './provider-registry.js';
import { Upstreams } from './upstreams.js';
import { SimulatorProvider } from './simulator/simulator.provider.js';
import { VertexProvider } from './vertex.provider.js';

/** Adapters are listed here and found by their mark; providers that are a row need no line. */
@Module({
  imports: [DiscoveryModule, TransportModule, TurnStateModule],
  providers: [
    ProviderRegistry,
    Upstreams,
    OpenAiProvider,
    AzureOpenAiProvider,
    AnthropicProvider,
    BedrockProvider,
    GeminiProvider,
    VertexProvider,
    SimulatorProvider,
  ],
  exports: [ProviderRegistry],
})
export class ProvidersModule {}
