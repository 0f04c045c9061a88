import type { ReactNode } from 'react';

/** A table: the names of its columns, and its rows. */
export function Table({ columns, children }: { readonly columns: readonly string[]; readonly children: ReactNode }): ReactNode {
  return (
    <table>
      <thead>
        <tr>
          {columns.map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
