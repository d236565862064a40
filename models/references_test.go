package models

import "testing"

// What refers to an account goes with it, or is let go: an account that cannot be deleted
// would keep its owner here.
func TestReferences_GoWithTheAccount(t *testing.T) {
	db := open(t)
	rows, err := db.pool.Query(t.Context(), `SELECT conrelid::regclass::text, conname FROM pg_constraint
		WHERE contype = 'f' AND confrelid = 'accounts'::regclass AND confdeltype NOT IN ('c', 'n')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, name string
		if err := rows.Scan(&table, &name); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s (%s) keeps accounts from being deleted: write ON DELETE CASCADE, or SET NULL", table, name)
	}
	if rows.Err() != nil {
		t.Error(rows.Err())
	}
}
