import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Logs in by the address in ADDRESS, writes, and prints who it was, where, and over which TLS. */
public class Connect {
  public static void main(String[] arguments) throws SQLException {
    try (Connection connection = DriverManager.getConnection(System.getenv("ADDRESS"));
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE IF NOT EXISTS proof (driver text)");
      statement.execute("INSERT INTO proof VALUES ('jdbc')");
      String identity = row(statement, "SELECT current_user, current_database()");
      // As its own owner a session does not see its row.
      statement.execute("SET ROLE NONE");
      System.out.println(
          identity + " " + row(statement, "SELECT session_user, ssl::text, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"));
    }
  }

  private static String row(Statement statement, String query) throws SQLException {
    try (ResultSet result = statement.executeQuery(query)) {
      result.next();
      StringBuilder line = new StringBuilder(result.getString(1));
      for (int column = 2; column <= result.getMetaData().getColumnCount(); column++) line.append(' ').append(result.getString(column));
      return line.toString();
    }
  }
}
