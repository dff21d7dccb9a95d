// The arrows between the layers: what each folder may know. `npm run check` reports every import that goes another way, and every cycle.

/** Folders and files of ours that a layer may import besides itself. */
const mayKnow = {
  'preload/contract': [],
  'preload/words': ['preload/contract/'],
  'preload/bridge': ['preload/contract/'],
  'main/api': ['preload/contract/'],
  'main/words': ['preload/words/', 'preload/contract/', 'resources/locales/'],
  'main/engine': ['preload/contract/'],
  'main/files': ['main/engine/', 'preload/contract/'],
  'main/worker': ['main/files/', 'main/engine/', 'preload/contract/'],
  'main/services': ['main/worker/protocol', 'main/worker/port', 'main/files/', 'main/engine/', 'main/api/', 'preload/contract/'],
  'main/server': ['main/services/', 'main/api/', 'main/words/', 'main/engine/errors', 'preload/contract/'],
  'main/cli': ['main/services/', 'main/worker/', 'main/files/', 'main/engine/', 'main/api/', 'main/words/', 'preload/contract/'],
  'main/app': ['main/server/', 'main/services/', 'main/api/', 'main/words/', 'main/engine/errors', 'preload/contract/'],
  renderer: ['preload/contract/', 'preload/words/', 'main/api/router', 'resources/'],
};

/** Layers that run anywhere: no Node, and of packages only these. */
const pure = { 'preload/contract': ['zod'], 'preload/words': ['i18next'], 'main/api': ['zod', '@trpc/server'], 'main/engine': ['entities'] };

/** Packages with one home. */
const homes = {
  electron: ['main/app/', 'preload/bridge'],
  'onnxruntime-node': ['main/worker/'],
  sharp: ['main/services/', 'main/worker/', 'main/files/'],
  libsql: ['main/services/', 'main/worker/'],
  yaml: ['main/services/', 'main/files/'],
  fastify: ['main/server/'],
  react: ['renderer/'],
};

const from = (layer) => ({ path: `^${layer}${layer === 'preload/bridge' ? '\\.' : '/'}` });
const starts = (paths) => paths.map((path) => `^${path}`);
/** By path once it is found, by bare name where it is not installed. */
const packagePath = (name) => `(^|node_modules/)${name}(/|$)`;

module.exports = {
  forbidden: [
    ...Object.entries(mayKnow).map(([layer, known]) => ({
      name: `arrow:${layer}`, severity: 'error',
      from: from(layer),
      to: { path: '^(main|preload|renderer|resources|build|tests)/', pathNot: [from(layer).path, ...starts(known)] },
    })),
    ...Object.entries(pure).map(([layer, packages]) => ({
      name: `pure:${layer}`, severity: 'error',
      from: from(layer),
      to: { pathNot: ['^(main|preload|renderer|resources|build|tests)/', ...packages.map(packagePath)] },
    })),
    ...Object.entries(homes).map(([name, folders]) => ({
      name: `home:${name}`, severity: 'error',
      from: { path: '^(main|preload|renderer)/', pathNot: starts(folders) },
      to: { path: packagePath(name) },
    })),
    { name: 'renderer:no-node', severity: 'error', from: { path: '^renderer/' }, to: { dependencyTypes: ['core'] } },
    {
      name: 'renderer:router-as-type', severity: 'error', comment: "The window knows the router's type; its code stays on the other side.",
      from: { path: '^renderer/' }, to: { path: '^main/api/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'cycle', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^out/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'], extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'] },
  },
};
