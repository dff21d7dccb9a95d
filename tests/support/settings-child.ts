// A process that changes the settings many times, for a test that runs several at once.
//   node settings-child.mjs DATA_DIR NAME COUNT
import { SettingsStore } from '../../main/services/data/settings';

const [dataDir = '', name = '', count = '0'] = process.argv.slice(2), store = new SettingsStore(dataDir);
for (let i = 0; i < Number(count); i++) await store.change(({ modelFiles }) => ({ modelFiles: [...modelFiles, `/${name}/${i}`] }));
