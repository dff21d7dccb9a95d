// Remembers the hashes of model files, which take seconds a gigabyte, as long as the files stay as they are.
import { existsSync } from 'node:fs';
import Libsql, { type Database } from 'libsql';
import type { ModelHashes } from '../models/file-hashes';
import type { HashCache } from '../models/hashing';

export function hashCache(db: Database): HashCache {
  const find = db.prepare('SELECT sha256, autov1, autov2, autov3 FROM model_files WHERE path = ? AND size_bytes = ? AND mtime_ms = ?');
  const put = db.prepare('INSERT OR REPLACE INTO model_files (path, size_bytes, mtime_ms, sha256, autov1, autov2, autov3) VALUES (?, ?, ?, ?, ?, ?, ?)');
  return {
    get(path, sizeBytes, mtimeMs) {
      const row = find.get(path, sizeBytes, mtimeMs) as ModelHashes | undefined;
      return row ? { sha256: row.sha256, autov1: row.autov1, autov2: row.autov2, autov3: row.autov3 } : null;
    },
    set(path, sizeBytes, mtimeMs, { sha256, autov1, autov2, autov3 }) { put.run(path, sizeBytes, mtimeMs, sha256, autov1, autov2, autov3); },
  };
}

/** A file that was hashed, as it was then. */
interface HashedFile { readonly path: string; readonly sizeBytes: number; readonly mtimeMs: number; readonly hashes: ModelHashes }

/** All that a database's file remembers, for a look without a studio. Empty when there is none, or it cannot be read. */
export function rememberedHashes(file: string): HashedFile[] {
  if (!existsSync(file)) return [];      // opening would make one
  let db: Database | undefined;
  try {
    db = new Libsql(file);
    const rows = db.prepare('SELECT path, size_bytes AS sizeBytes, mtime_ms AS mtimeMs, sha256, autov1, autov2, autov3 FROM model_files').all() as (Omit<HashedFile, 'hashes'> & ModelHashes)[];
    return rows.map(({ path, sizeBytes, mtimeMs, ...hashes }) => ({ path, sizeBytes, mtimeMs, hashes }));
  } catch {
    return [];
  } finally {
    db?.close();
  }
}
