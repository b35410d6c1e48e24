# platform.sed: the example platform file for the demo. What is added says why.
/^  repository: john-doe/a\
  write_interval: 50ms       # demo: this GitHub does not mind quick writes; the real one asks for a second
/^  bucket_name:/a\
  # demo: nothing here is worth keeping, and the end shows an account with nothing left in it\
  force_destroy: true                # delete bucket, repositories and models though they are not empty\
  database_skip_final_snapshot: true # leave no last copy of the database\
  secret_recovery_days: 0            # no days in which the deleted secret could be brought back
/^  protect:/,/^  #ignore/{
    /^    - /d
    s/^  protect:.*/  protect: []                # demo: a platform of yours protects the bucket, the database, the password/
}
